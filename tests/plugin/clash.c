/*
 * Plugins that must be refused, one per macro: the test compiles this file with
 * -DCLASH_<what> for each.
 */
#include "core/feature.h"

#ifndef CLASH_NAME
#define CLASH_NAME "clash"
#endif
#ifndef CLASH_ABI
#define CLASH_ABI FEATURE_ABI_NUMBER
#endif
#ifndef CLASH_SIZE
#define CLASH_SIZE sizeof(struct feature)
#endif
#ifndef CLASH_SYMBOL
#define CLASH_SYMBOL hearth_feature
#endif

extern const struct feature CLASH_SYMBOL;

#ifdef CLASH_IQ
static struct verdict ping(struct iq *iq)
{
	return iq_ok(iq);
}
#endif

#ifdef CLASH_NONZA
static struct verdict poke(struct session *session, const struct stanza *element)
{
	(void)session;
	(void)element;
	return verdict_done();
}
#endif

#ifdef CLASH_REWRITE
static struct verdict rewrite(const struct passage *passage, struct stanza_edit *edit)
{
	(void)passage;
	(void)edit;
	return verdict_pass();
}
#endif

#ifdef CLASH_COUNT
static void count(struct session *session, const struct stanza *stanza, struct bytes head)
{
	(void)session;
	(void)stanza;
	(void)head;
}
#endif

const struct feature CLASH_SYMBOL = {
	.abi = CLASH_ABI,
	.size = CLASH_SIZE,
	.name = CLASH_NAME,
	.summary = "Claims what is taken.",
#ifdef CLASH_IQ
	.iq = (const struct iq_rule[]){ { CLASH_IQ, TO_SERVER, "urn:xmpp:ping", "ping", ping },
					{ 0 } },
#endif
#ifdef CLASH_NONZA
	.nonza = (const struct nonza_rule[]){ { "urn:hearth:test", "poke", false, poke },
					      { 0 } },
#endif
#ifdef CLASH_REWRITE
	.claims.rewrite = rewrite,
#endif
#ifdef CLASH_COUNT
	.claims.wire_count = count,
#endif
#ifdef CLASH_DISCO
	.disco = (const char *const[]){ "urn:xmpp:ping", NULL },
#endif
#ifdef CLASH_DISCO_ACCOUNT
	.disco_account = (const char *const[]){ "urn:hearth:test", NULL },
#endif
};
