/*
 * XEP-0055 Jabber Search: people find each other by name, nickname or e-mail address. Version
 * 1.3. The directory of a domain holds four fields of each card; who does not want to stand in
 * it says so in the card (<CLASS><PRIVATE/></CLASS> or CONFIDENTIAL). Only the domain's own
 * users may look.
 *
 * Cost: a search reads the domain's entries page by page (256 rows, about 200 bytes each) and
 * compares them, O(entries) up to search.rows; one search of an account at a time. A card that
 * changes costs one row in its own commit.
 */
#include "base/block.h"
#include "base/utf8.h"
#include "core/service.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"
#include "xmpp/precis.h"

#define NS_SEARCH "jabber:iq:search"

enum {
	FIELDS = 4,
	FIELD_BYTES_MAX = 255,
	PAGE_ROWS = 256,
	DEADLINE_MS = 10000,
	KEY_BYTES_MAX = 1023
};

static const struct form_field form_fields[FIELDS + 1] = {
	{ "first", FORM_TEXT_SINGLE, false, TEXT_SEARCH_FIRST, NULL, NULL },
	{ "last", FORM_TEXT_SINGLE, false, TEXT_SEARCH_LAST, NULL, NULL },
	{ "nick", FORM_TEXT_SINGLE, false, TEXT_SEARCH_NICK, NULL, NULL },
	{ "email", FORM_TEXT_SINGLE, false, TEXT_SEARCH_EMAIL, NULL, NULL },
	{ 0 },
};

static const struct form_spec form_spec = { .form_type = NS_SEARCH,
					    .title = TEXT_SEARCH_TITLE,
					    .instructions = TEXT_SEARCH_INSTRUCTIONS,
					    .fields = form_fields };

enum listed { LISTED_UNLESS_PRIVATE, LISTED_IF_PUBLIC };
static const char *const listed_words[] = { "unless_private", "if_public", NULL };
static struct option option_listed =
	OPTION_ENUM("search.listed", OPTION_DOMAIN, LISTED_UNLESS_PRIVATE, listed_words,
		    "Whose card is found: everybody's unless its CLASS says PRIVATE or "
		    "CONFIDENTIAL, or only "
		    "those whose CLASS says PUBLIC. Applies to a card when it is published.");
static struct option option_rows =
	OPTION_INT("search.rows", OPTION_DOMAIN, 10000, 1, 1000000,
		   "How many entries of the directory one search may look at.");
static struct option option_results = OPTION_INT("search.results", OPTION_DOMAIN, 50, 1, 1000,
						 "How many people one search may find.");

/*
 * Rows of the server, each in the batch of its account. Key: domain, a space, the account.
 * Value: the four fields and then again in lower case, a line each.
 */
static struct store_decl directory_store =
	STORE_DECL("directory", STORE_MAP, 1, "Who may be found, and by what.");

/* A user's search is in work. */
struct searching {
	bool is_busy;
};

static struct slot searching_slot = { .of = SLOT_USER,
				      .size = sizeof(struct searching),
				      .is_lost = true };

/* --- texts -------------------------------------------------------------------------------- */

/* Words in lower case as PRECIS maps it, or as they are; one space between. */
static struct bytes fold(struct arena *arena, struct bytes text)
{
	struct bytes folded = BYTES_LIT("");

	while (!bytes_is_none(text)) {
		struct bytes word = bytes_cut(&text, ' ');
		struct bytes mapped;
		if (word.len == 0)
			continue;
		if (precis_username_case_mapped(arena, word, &mapped) < 0)
			mapped = word;
		folded = arena_printf(arena, "%.*s%s%.*s", BYTES_ARG(folded),
				      folded.len > 0 ? " " : "", BYTES_ARG(mapped));
	}
	return folded;
}

/* One line of at most FIELD_BYTES_MAX bytes. */
static struct bytes tidy(struct arena *arena, struct bytes text)
{
	char *copy = arena_cstr(arena, utf8_truncate(bytes_trim(text), FIELD_BYTES_MAX));

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\n' || *at == '\r' || *at == '\t')
			*at = ' ';
	return bytes_of(copy);
}

/* --- the directory ------------------------------------------------------------------------ */

/* NONE: the address is too long to stand in the directory. */
static struct bytes directory_key(struct jid bare)
{
	if (jid_domain(bare).len + 1 + bare.full.len > KEY_BYTES_MAX)
		return BYTES_NONE;
	return arena_printf(scratch(), "%.*s %.*s", BYTES_ARG(jid_domain(bare)),
			    BYTES_ARG(bare.full));
}

static struct bytes card_text(const struct xnode *card, const char *outer, const char *inner)
{
	const struct xnode *node = xnode_find(card, outer, NS_VCARD_TEMP);

	if (inner != NULL)
		node = xnode_find(node, inner, NS_VCARD_TEMP);
	return node == NULL ? BYTES_LIT("") : tidy(scratch(), xnode_text(node, scratch()));
}

static bool card_is_listed(const struct domain *domain, const struct xnode *card)
{
	const struct xnode *class = xnode_find(card, "CLASS", NS_VCARD_TEMP);

	if (settings_enum(domain_settings(domain), &option_listed) == LISTED_IF_PUBLIC)
		return xnode_find(class, "PUBLIC", NS_VCARD_TEMP) != NULL;
	return xnode_find(class, "PRIVATE", NS_VCARD_TEMP) == NULL &&
	       xnode_find(class, "CONFIDENTIAL", NS_VCARD_TEMP) == NULL;
}

/* False if there is nothing to be found by. Without a structured name FN counts as the first. */
static bool card_fields(const struct xnode *card, struct bytes fields[FIELDS])
{
	size_t len = 0;

	fields[0] = card_text(card, "N", "GIVEN");
	fields[1] = card_text(card, "N", "FAMILY");
	fields[2] = card_text(card, "NICKNAME", NULL);
	fields[3] = card_text(card, "EMAIL", "USERID");
	if (fields[0].len + fields[1].len == 0)
		fields[0] = card_text(card, "FN", NULL);
	for (int i = 0; i < FIELDS; i++)
		len += fields[i].len;
	return len > 0;
}

static void card_changed(struct user *user, const struct xnode *card, struct store_batch *batch)
{
	struct bytes key = directory_key(user_jid(user));
	struct bytes fields[FIELDS];
	struct buf row;

	if (bytes_is_none(key))
		return;
	if (card == NULL || !card_is_listed(user_domain(user), card) ||
	    !card_fields(card, fields)) {
		store_del_server(batch, &directory_store, key);
		return;
	}
	buf_init(&row, 0);
	for (int i = 0; i < FIELDS; i++)
		buf_printf(&row, "%.*s\n", BYTES_ARG(fields[i]));
	for (int i = 0; i < FIELDS; i++)
		buf_printf(&row, "%.*s\n", BYTES_ARG(fold(scratch(), fields[i])));
	store_put_server(batch, &directory_store, key, buf_bytes(&row));
	buf_fini(&row);
}

static void removed(int status, uint64_t seq, void *context)
{
	(void)status;
	(void)seq;
	(void)context;
}

static void account_deleted(const struct domain *domain, struct jid bare)
{
	struct bytes key = directory_key(bare);
	struct store_batch *batch;

	(void)domain;
	if (bytes_is_none(key))
		return;
	batch = store_batch_new(core_store(), bare.full);
	store_del_server(batch, &directory_store, key);
	store_commit(core_store(), &batch, removed, NULL);
}

/* --- searching ---------------------------------------------------------------------------- */

struct search {
	struct arena arena;
	struct iq_token *token;
	struct user *user; /* the token keeps it */
	bool is_form;
	enum text_lang lang;
	int64_t rows;		     /* that may still be looked at */
	int64_t results;	     /* that may still be found */
	struct bytes wanted[FIELDS]; /* folded; empty: anything */
	struct bytes after;	     /* the last key seen */
	struct buf items;
	struct xml_writer w;
};

static void search_free(struct search *search)
{
	buf_fini(&search->items);
	arena_fini(&search->arena);
	block_free(search);
}

static void item_write(struct search *search, struct bytes jid,
		       const struct bytes fields[FIELDS])
{
	struct xml_writer *w = &search->w;

	xml_open(w, "item", NULL);
	if (!search->is_form)
		xml_attr(w, "jid", jid);
	for (int i = 0; i < FIELDS; i++) {
		if (search->is_form)
			form_write_value(w, NULL, form_fields[i].var, fields[i]);
		else
			xml_element_text(w, form_fields[i].var, fields[i]);
	}
	if (search->is_form)
		form_write_value(w, NULL, "jid", jid);
	xml_close(w);
}

static void row_look(struct search *search, const struct store_item *row)
{
	struct bytes fields[FIELDS], value = row->value, key = row->key;

	for (int i = 0; i < FIELDS; i++)
		fields[i] = bytes_cut(&value, '\n');
	for (int i = 0; i < FIELDS; i++)
		if (bytes_find(bytes_cut(&value, '\n'), search->wanted[i]) < 0)
			return;
	bytes_cut(&key, ' ');
	item_write(search, key, fields);
	search->results--;
}

/* Section 3: what a form's columns are. */
static void reported_write(struct xml_writer *w, enum text_lang lang)
{
	static const struct form_field jid_field = { "jid", FORM_JID_SINGLE,
						     false, TEXT_SEARCH_JID,
						     NULL,  NULL };

	xml_open(w, "reported", NULL);
	for (int i = 0; i < FIELDS; i++)
		form_write_field(w, &form_fields[i], lang, NULL, 0);
	form_write_field(w, &jid_field, lang, NULL, 0);
	xml_close(w);
}

static void search_begin_answer(struct search *search)
{
	buf_init(&search->items, 0);
	xml_writer_init(&search->w, &search->items);
	xml_open(&search->w, "query", NS_SEARCH);
	if (search->is_form) {
		form_open(&search->w, "result", NS_SEARCH);
		reported_write(&search->w, search->lang);
	}
}

static void search_end(struct search *search, int status)
{
	struct searching *searching = slot_get(&searching_slot, search->user);

	searching->is_busy = false;
	if (search->is_form)
		xml_close(&search->w);
	xml_close(&search->w);
	xml_writer_fini(&search->w);
	if (status < 0)
		iq_token_fail(&search->token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	else
		iq_token_result(&search->token, buf_bytes(&search->items));
	search_free(search);
}

static void search_next(struct search *search);

static void search_page(struct store_read *read, int status, void *context)
{
	struct search *search = context;
	const struct store_item *row = status < 0 ? NULL : store_read_items(read, 0);
	bool is_over = status < 0 || !store_read_is_partial(read, 0);
	struct bytes last = BYTES_NONE;

	for (; row != NULL && search->rows > 0 && search->results > 0; row = row->next) {
		search->rows--;
		row_look(search, row);
		last = row->key;
	}
	if (is_over || search->rows == 0 || search->results == 0 ||
	    iq_token_is_orphan(search->token)) {
		search_end(search, status);
		return;
	}
	search->after = arena_copy(&search->arena, last);
	search_next(search);
}

static void search_next(struct search *search)
{
	struct store_read *read = store_read_new(core_store(), BYTES_LIT(""));
	struct bytes prefix =
		arena_printf(scratch(), "%.*s ", BYTES_ARG(jid_domain(user_jid(search->user))));

	store_read_scan(read, &directory_store, prefix, search->after, PAGE_ROWS);
	store_read_submit(&read, search_page, search);
}

/* --- requests ----------------------------------------------------------------------------- */

static bool is_own_domain(const struct iq *iq)
{
	return bytes_equal(domain_name(iq->domain), jid_domain(user_jid(iq->user)));
}

/* Section 2.1: the plain fields for old clients, and the same as a form. */
static struct verdict fields_get(struct iq *iq)
{
	struct buf xml;
	struct xml_writer w;

	if (!is_own_domain(iq))
		return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_SEARCH);
	xml_element_text(&w, "instructions",
			 bytes_of(text_get(TEXT_SEARCH_INSTRUCTIONS, iq->lang)));
	for (int i = 0; i < FIELDS; i++)
		xml_element_empty(&w, form_fields[i].var, NULL);
	form_write(&w, &form_spec, iq->lang);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* The values asked for; false if the form is none. */
static bool wanted_read(struct iq *iq, struct bytes wanted[FIELDS], bool *ret_is_form)
{
	const struct xnode *x = xnode_find(iq->child, "x", NS_DATA_FORM);
	const struct form_field *wrong;
	struct form form;

	if (x != NULL && (form_read(iq->arena, x, &form) < 0 ||
			  form_check(iq->arena, &form, &form_spec, &wrong) < 0))
		return false;
	for (int i = 0; i < FIELDS; i++) {
		const struct xnode *node = xnode_find(iq->child, form_fields[i].var, NS_SEARCH);
		struct bytes value = x != NULL	    ? form_value(&form, form_fields[i].var)
				     : node != NULL ? xnode_text(node, iq->arena)
						    : BYTES_NONE;
		wanted[i] = fold(iq->arena, tidy(iq->arena, value));
	}
	*ret_is_form = x != NULL;
	return true;
}

static bool is_empty(const struct bytes wanted[FIELDS])
{
	size_t len = 0;

	for (int i = 0; i < FIELDS; i++)
		len += wanted[i].len;
	return len == 0;
}

static void search_start(struct iq *iq, struct iq_token *token,
			 const struct bytes wanted[FIELDS], bool is_form)
{
	const struct settings *settings = domain_settings(iq->domain);
	struct search *search = block_alloc_zeroed(sizeof(*search));

	arena_init(&search->arena, 1024);
	search->token = token;
	search->user = iq->user;
	search->is_form = is_form;
	search->lang = iq->lang;
	search->rows = settings_int(settings, &option_rows);
	search->results = settings_int(settings, &option_results);
	for (int i = 0; i < FIELDS; i++)
		search->wanted[i] = arena_copy(&search->arena, wanted[i]);
	search->after = BYTES_NONE;
	search_begin_answer(search);
	search_next(search);
}

/* Section 2.1: all values given must be contained, whatever their case. None is not a search. */
static struct verdict search_set(struct iq *iq)
{
	struct searching *searching = slot_get(&searching_slot, iq->user);
	struct bytes wanted[FIELDS];
	struct iq_token *token;
	struct verdict verdict;
	bool is_form;

	if (!is_own_domain(iq))
		return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
	if (!wanted_read(iq, wanted, &is_form) || is_empty(wanted))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (searching->is_busy)
		return verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_NONE);
	verdict = iq_later(iq, DEADLINE_MS, &token);
	if (verdict.kind != VERDICT_LATER)
		return verdict;
	searching->is_busy = true;
	search_start(iq, token, wanted, is_form);
	return verdict;
}

const struct feature feature_search = {
	FEATURE_ABI,
	.name = "search",
	.xep = "0055",
	.version = "1.3",
	.summary =
		"Find people of the same domain by name, nickname or e-mail address; who does "
		"not want to be found says so in the card.",
	.disco = (const char *const[]){ NS_SEARCH, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER, NS_SEARCH, "query", fields_get },
			{ IQ_SET, TO_SERVER, NS_SEARCH, "query", search_set },
			{ 0 },
		},
	.user_card = card_changed,
	.user_deleted = account_deleted,
	.options =
		(struct option *const[]){ &option_listed, &option_rows, &option_results, NULL },
	.stores = (struct store_decl *const[]){ &directory_store, NULL },
	.slots = (struct slot *const[]){ &searching_slot, NULL },
};
