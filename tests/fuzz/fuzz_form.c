/* Data forms: whatever was read can be checked, and holds no more than its limits. */
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "xml/parse.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form_option options[] = { { "a", TEXT_NONE }, { "b", TEXT_NONE }, { 0 } };

static const struct form_field fields[] = {
	{ .var = "text", .type = FORM_TEXT_SINGLE, .is_required = true },
	{ .var = "lines", .type = FORM_TEXT_MULTI },
	{ .var = "flag", .type = FORM_BOOLEAN },
	{ .var = "jid", .type = FORM_JID_SINGLE },
	{ .var = "jids", .type = FORM_JID_MULTI },
	{ .var = "one", .type = FORM_LIST_SINGLE, .options = options },
	{ .var = "some", .type = FORM_LIST_MULTI, .options = options },
	{ 0 },
};

static const struct form_spec spec = { .form_type = "t", .fields = fields };

static void check_form(struct arena *arena, struct form *form)
{
	const struct form_field *wrong;
	struct jid jid;

	check(form->count <= FORM_FIELDS_MAX);
	if (form_check(arena, form, &spec, &wrong) < 0)
		return;
	check(form_value(form, "text").len > 0);
	(void)form_text(arena, form, "lines");
	(void)form_bool(form, "flag", false);
	if (form_value(form, "jid").len > 0)
		check(jid_parse(arena, form_value(form, "jid"), &jid, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parse_context context = { .default_ns = BYTES_LIT("jabber:x:data") };
	struct stanza *stanza;
	struct arena arena;
	struct form form;

	if (parse_element(&context, bytes_make(data, size), &stanza, NULL) < 0)
		return 0;
	arena_init(&arena, 4096);
	if (form_read(&arena, stanza_root(stanza), &form) == 0)
		check_form(&arena, &form);
	arena_fini(&arena);
	stanza_unref(&stanza);
	arena_reset(scratch());
	return 0;
}
