/* Differential test against expat: mutants of a small corpus, from a fixed seed. */
#include "helpers.h"
#include "oracle.h"

enum { MUTANTS = 100000, MUTANT_BYTES = 1500 };

static const char *const seeds[] = {
	"<message to='a@b/c' from=\"x@y\" id='1' type='chat' xml:lang='en'><body>hi &amp; "
	"\xe4\xbd\xa0"
	"</body><x xmlns='urn:x'/></message>",
	"<iq type='get' id='p17'><query xmlns='jabber:iq:roster' ver=''><item jid='a@b' "
	"name='&lt;'/>"
	"</query></iq>",
	"<presence><show>away</show><c xmlns='http://jabber.org/protocol/caps' "
	"hash='sha-1'/></presence>",
	"<p:a xmlns:p='urn:p' p:b='1' b='2'><p:c xmlns:p='urn:q' p:d='3'/></p:a>",
	"<message o:x='1' xmlns:o='urn:mine'><o:y o:z='2'/><stream:error/></message>",
	"<o:root><child/><o:child a='1' o:a='2'/></o:root>",
	"<c:message to='x'><c:body>x</c:body><body xmlns='jabber:client'>y</body></c:message>",
	"<message><forwarded xmlns='urn:xmpp:forward:0'><message "
	"xmlns='jabber:client'><body>z</body>"
	"</message></forwarded></message>",
	"<a><![CDATA[<&]]>&#65;&#x1F600; ]]<b/>tail</a>",
	"<a xmlns=''><b xmlns='urn:b' xmlns:q='urn:q'><q:c q:d=''/><d xmlns=''/></b></a>",
	"<a b='\t\r\n&#10; c'>\r\nx\ry</a>",
	"<a xml:lang='de' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
	"<\xc3\xa9l\xc3\xa8ve "
	"\xd0\xb8='\xd0\xbc\xd1\x8f'>\xf0\x9f\x98\x80\xef\xbf\xbd</\xc3\xa9l\xc3\xa8ve>",
	"<a1 b2='&quot;&apos;&gt;' c-d.e=''/>",
	"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN' q:w='e' "
	"xmlns:q='u&apos;'>AGE=</auth>",
	"<a><b><c><d>1</d>2</c>3</b>4</a>",
};

static const char *const tokens[] = {
	"<",
	">",
	"/>",
	"</",
	"&",
	";",
	"&amp;",
	"&#x41;",
	"&#1;",
	"&x;",
	"]]>",
	"<![CDATA[",
	"]]",
	"<!--",
	"-->",
	"<?p?>",
	"<!DOCTYPE",
	"'",
	"\"",
	"=",
	" ",
	"\r\n",
	"\t",
	":",
	"xmlns",
	"xmlns='u'",
	" xmlns:p='u'",
	" xmlns:o=''",
	"p:",
	"o:",
	"c:",
	"stream:",
	"xml:",
	"<b/>",
	"<p:b>",
	"</p:b>",
	" a='1'",
	" o:a='1'",
	" p:a='2'",
	" xmlns=''",
	" xmlns='jabber:client'",
	"\xc3\xa9",
	"\xe4\xb8\xad",
	"\xef\xbf\xbf",
	"\xed\xa0\x80",
	"\xc2\xb7",
	"\xf0\x90\x80\x80",
	"\x01",
	"\xff",
	"http://www.w3.org/2000/xmlns/",
	"http://www.w3.org/XML/1998/namespace",
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

struct mutant {
	char bytes[MUTANT_BYTES];
	size_t len;
};

static void replace(struct mutant *mutant, size_t at, size_t old, struct bytes new)
{
	if (mutant->len - old + new.len > sizeof(mutant->bytes))
		return;
	memmove(mutant->bytes + at + new.len, mutant->bytes + at + old, mutant->len - at - old);
	memcpy(mutant->bytes + at, new.ptr, new.len);
	mutant->len = mutant->len - old + new.len;
}

static void mutate(struct mutant *mutant, uint64_t *seed)
{
	size_t at = next_random(seed) % (mutant->len + 1);
	size_t some = next_random(seed) % 12;
	size_t elsewhere = next_random(seed) % (mutant->len + 1);
	uint64_t chance = next_random(seed);
	const char *other = seeds[next_random(seed) % array_len(seeds)];
	const char *token = tokens[next_random(seed) % array_len(tokens)];
	struct mutant copy = *mutant;
	char c = (char)chance;

	some = some < mutant->len - at ? some : mutant->len - at;
	switch (next_random(seed) % 6) {
	case 0: /* another byte */
		replace(mutant, at, at < mutant->len, bytes_make(&c, 1));
		break;
	case 1: /* something less */
		replace(mutant, at, some, BYTES_LIT(""));
		break;
	case 2: /* something twice */
		replace(mutant, elsewhere, 0, bytes_make(copy.bytes + at, some));
		break;
	case 3: /* a piece of another one */
		replace(mutant, at, some,
			bytes_first(bytes_skip(bytes_of(other), chance % strlen(other)),
				    chance / 256 % 40));
		break;
	default: /* a token, inserted or instead of something */
		replace(mutant, at, chance % 2 ? some : 0, bytes_of(token));
	}
}

static enum oracle_result compare(struct bytes raw)
{
	char *copy = malloc(raw.len + 1);
	const char *why;
	enum oracle_result result;

	memcpy(copy, raw.ptr, raw.len);
	result = oracle_compare(bytes_make(copy, raw.len), &why);
	free(copy);
	if (result == ORACLE_WRONG)
		fail_msg("%s: %.*s", why, BYTES_ARG(raw));
	return result;
}

static void the_corpus_is_accepted(void **state)
{
	for (size_t i = 0; i < array_len(seeds); i++)
		assert_int_equal(compare(bytes_of(seeds[i])), ORACLE_ACCEPTED);
}

static void mutants_are_judged_alike(void **state)
{
	unsigned results[ORACLE_WRONG] = { 0 };
	uint64_t seed = 20261120;

	for (unsigned i = 0; i < MUTANTS; i++) {
		const char *origin = seeds[next_random(&seed) % array_len(seeds)];
		struct mutant mutant = { .len = strlen(origin) };
		memcpy(mutant.bytes, origin, mutant.len);
		for (uint64_t n = next_random(&seed) % 3; n < 3; n++)
			mutate(&mutant, &seed);
		results[compare(bytes_make(mutant.bytes, mutant.len))]++;
	}
	print_message("%u accepted, %u refused, %u known differences\n",
		      results[ORACLE_ACCEPTED], results[ORACLE_REFUSED],
		      results[ORACLE_DIFFERENT]);
	assert_true(results[ORACLE_ACCEPTED] > MUTANTS / 20);
	assert_true(results[ORACLE_REFUSED] > MUTANTS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_is_accepted),
		cmocka_unit_test(mutants_are_judged_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
