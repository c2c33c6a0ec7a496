/* The YAML reader: whatever a file holds, it ends with a configuration or one line of
 * complaint. */
#include <string.h>

#include "base/check.h"
#include "main/config.h"

static const char *const words[] = { "closed", "open", NULL };
static struct option options[] = {
	OPTION_INT("limits.stanza_bytes", OPTION_DOMAIN, 262144, 10000, 16777216, "Bytes."),
	OPTION_ENUM("registration", OPTION_DOMAIN, 0, words, "Who."),
	OPTION_BOOL("tls.required", OPTION_DOMAIN, 1, "TLS."),
	OPTION_INT("shards", OPTION_SERVER, 0, 0, 64, "Threads."),
	OPTION_LIST("listen.c2s", OPTION_SERVER, NULL, "Where."),
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < array_len(options); i++)
		option_register(&options[i]);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct err err = { 0 };
	/* The first line may be a --set, so that both ways in are reached. */
	struct bytes text = bytes_make(data, size);
	const char *set = NULL;
	if (size > 0 && data[0] == '!') {
		struct bytes line = bytes_cut(&text, '\n');
		set = arena_cstr(scratch(), bytes_skip(line, 1));
		if (bytes_is_none(text))
			text = BYTES_LIT("");
	}
	if (config_parse(text, "f", &set, set ? 1 : 0, TEXT_LANG_EN, &config, &err) == 0) {
		check(config->domain_count > 0);
		config_free(&config);
	} else {
		check(err.text[0] != '\0' && memchr(err.text, '\0', sizeof(err.text)));
	}
	arena_reset(scratch());
	return 0;
}
