/*
 * The configuration: a YAML file and --set arguments, read into struct settings for the server
 * and for each domain that is named under `domains:`. Nested maps flatten to dotted option
 * names
 * (`listen: {c2s: […]}` is `listen.c2s`); which options exist is known from option_register().
 * Belongs to main's thread until it is published; immutable and shared afterwards.
 *
 * 	if (config_load(path, sets, set_count, lang, &config, &err) < 0)
 * 		return usage_error(err.text);	("hearth.yaml:3:5: unknown option …")
 */
#ifndef MAIN_CONFIG_H
#define MAIN_CONFIG_H

#include <stdio.h>

#include "base/option.h"
#include "base/text.h"

enum { CONFIG_BYTES_MAX = 1 << 20, CONFIG_DEPTH_MAX = 8 };

struct config_domain {
	struct bytes name;	   /* as written, lower case; core prepares it (RFC 7622) */
	struct settings *settings; /* parent: the server's */
};

struct config {
	struct arena arena;
	struct settings *server;
	struct config_domain *domains; /* never empty: "localhost" when none is named */
	size_t domain_count;
};

/*
 * Reads path (NULL: no file) and then applies sets, each "name=value" or "domain:name=value",
 * which win over the file. `--set domains=a,b` names the domains to serve. 0, or a negative
 * errno with one line in *ret_err that begins with file:line:column or with the argument.
 */
int config_load(const char *path, const char *const *sets, size_t set_count,
		enum text_lang lang, struct config **ret_config, struct err *ret_err);
/* The same for text in memory; file is the name that errors begin with. */
int config_parse(struct bytes text, const char *file, const char *const *sets, size_t set_count,
		 enum text_lang lang, struct config **ret_config, struct err *ret_err);
/* "name=value" into settings of a domain. 0, or -EINVAL with the reason. */
int config_set_for_domain(struct settings *settings, struct bytes assignment,
			  enum text_lang lang, struct err *ret_err);
void config_free(struct config **config);

/* Every registered option, commented and commented out at its default: a file to begin with. */
void config_write_sample(FILE *out, enum text_lang lang);

#endif
