/*
 * Options: every setting of the server is declared in code, once, with its type, scope,
 * default, bounds and one sentence. Sample configuration, manual and --check-config come from
 * these declarations. Values live in struct settings: one for the server and one per domain,
 * which falls back on the server's. A struct settings is immutable once published.
 *
 * 	static struct option opt_stanza_bytes = OPTION_INT("limits.stanza_bytes", OPTION_DOMAIN,
 * 		262144, 10000, 16777216, "Largest stanza after login, in bytes.");
 * 	option_register(&opt_stanza_bytes);	(at boot, before the configuration is read)
 * 	n = settings_int(domain->settings, &opt_stanza_bytes);
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/arena.h"
#include "base/err.h"

enum option_scope { OPTION_SERVER, OPTION_DOMAIN, OPTION_ACCOUNT };

enum option_type {
	OPTION_TYPE_BOOL,
	OPTION_TYPE_INT,
	OPTION_TYPE_STRING,
	OPTION_TYPE_ENUM,
	OPTION_TYPE_LIST, /* of strings */
};

struct option {
	const char *name; /* dotted, as in the YAML */
	enum option_type type;
	enum option_scope scope;
	int64_t default_int;	    /* BOOL, INT; ENUM: index of the default word */
	const char *default_string; /* STRING; LIST: comma-separated; NULL for none */
	int64_t min, max;	    /* INT */
	const char *const *words;   /* ENUM: NULL-terminated */
	const char *sentence;	    /* what it does and whom it helps */
	const char *applies;	    /* NULL: at reload; else e.g. "restart" */
	uint32_t index;		    /* set by option_register, from 1 */
};

/* clang-format off */
#define OPTION_BOOL(n, scope_, def, text)                                                      \
	{ .name = (n), .type = OPTION_TYPE_BOOL, .scope = (scope_), .default_int = (def),      \
	  .sentence = (text) }
#define OPTION_INT(n, scope_, def, min_, max_, text)                                           \
	{ .name = (n), .type = OPTION_TYPE_INT, .scope = (scope_), .default_int = (def),       \
	  .min = (min_), .max = (max_), .sentence = (text) }
#define OPTION_STRING(n, scope_, def, text)                                                    \
	{ .name = (n), .type = OPTION_TYPE_STRING, .scope = (scope_), .default_string = (def), \
	  .sentence = (text) }
#define OPTION_ENUM(n, scope_, def, words_, text)                                              \
	{ .name = (n), .type = OPTION_TYPE_ENUM, .scope = (scope_), .default_int = (def),      \
	  .words = (words_), .sentence = (text) }
#define OPTION_LIST(n, scope_, def, text)                                                      \
	{ .name = (n), .type = OPTION_TYPE_LIST, .scope = (scope_), .default_string = (def),   \
	  .sentence = (text) }
/* clang-format on */

/* Before the configuration is read; one name twice aborts. Idempotent for one object. */
void option_register(struct option *option);
/* By name, or NULL. */
struct option *option_find(struct bytes name);
/* The registered option whose name is nearest (edit distance), or NULL if none is near. */
const struct option *option_nearest(struct bytes name);
/*
 * True if name is near enough to known to be a slip of it, and nearer than *best, which then
 * becomes the edit distance. Start with *best = SIZE_MAX.
 */
bool option_is_near(struct bytes name, struct bytes known, size_t *best);
/* Sorted by name; start with *cursor = 0, NULL at the end. */
struct option *option_next(uint32_t *cursor);

struct settings;

/* parent: consulted for what is not set here; NULL: defaults. Borrowed, must outlive. */
struct settings *settings_new(const struct settings *parent);
void settings_free(struct settings **settings);
/*
 * Parses `text` by the option's type and bounds (bool: yes/no/true/false; list:
 * comma-separated). 0 or -EINVAL with a reason in *ret_err.
 */
int settings_set(struct settings *settings, const struct option *option, struct bytes text,
		 struct err *ret_err);
/* For lists read from YAML: the items one by one. */
int settings_set_list(struct settings *settings, const struct option *option,
		      const struct bytes *items, size_t count, struct err *ret_err);
/* True if it is set here; parents are not asked. settings may be NULL: defaults everywhere. */
bool settings_has(const struct settings *settings, const struct option *option);

bool settings_bool(const struct settings *settings, const struct option *option);
int64_t settings_int(const struct settings *settings, const struct option *option);
/* Index into option->words. */
int settings_enum(const struct settings *settings, const struct option *option);
/* Borrowed from settings; BYTES_NONE if unset and without default. */
struct bytes settings_string(const struct settings *settings, const struct option *option);
/* Items are borrowed; *ret_count may be 0. */
const struct bytes *settings_list(const struct settings *settings, const struct option *option,
				  size_t *ret_count);

#endif
