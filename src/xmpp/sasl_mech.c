#include <errno.h>

#include "base/check.h"
#include "xml/write.h"
#include "xmpp/ns.h"
#include "xmpp/sasl_impl.h"

const struct sasl_mech_info *sasl_mech_info(enum sasl_mech mech)
{
	static const struct sasl_mech_info mechs[] = {
#define SASL_MECH(name, wire, hash, kind) { wire, hash, kind },
#include "xmpp/sasl_mech.def"
#undef SASL_MECH
	};
	check(mech < SASL_MECHS);
	return &mechs[mech];
}

const char *sasl_mech_name(enum sasl_mech mech)
{
	return sasl_mech_info(mech)->name;
}

bool sasl_mech_is_plus(enum sasl_mech mech)
{
	return sasl_mech_info(mech)->kind == SASL_KIND_SCRAM_PLUS;
}

int sasl_mech_find(struct bytes name, enum sasl_mech *ret_mech)
{
	for (int i = 0; i < SASL_MECHS; i++) {
		if (bytes_is(name, sasl_mech_name((enum sasl_mech)i))) {
			*ret_mech = (enum sasl_mech)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *sasl_binding_name(enum sasl_binding binding)
{
	static const char *const names[] = {
#define SASL_BINDING(name, wire) wire,
#include "xmpp/sasl_binding.def"
#undef SASL_BINDING
	};
	check(binding < SASL_BINDINGS);
	return names[binding];
}

int sasl_binding_find(struct bytes name, enum sasl_binding *ret_binding)
{
	for (int i = 0; i < SASL_BINDINGS; i++) {
		if (bytes_is(name, sasl_binding_name((enum sasl_binding)i))) {
			*ret_binding = (enum sasl_binding)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *sasl_failure_name(enum sasl_failure failure)
{
	static const char *const names[] = {
		"",
#define SASL_FAILURE(name, element) element,
#include "xmpp/sasl_failure.def"
#undef SASL_FAILURE
	};
	check(failure < SASL_FAILURE_COUNT);
	return names[failure];
}

static bool is_offered(const struct sasl_terms *terms, const struct sasl_mech_info *mech)
{
	if (!terms->is_secure && !terms->is_insecure_allowed)
		return false;
	switch (mech->kind) {
	case SASL_KIND_SCRAM_PLUS:
		return terms->is_secure && terms->bindings && terms->has_scram[mech->hash];
	case SASL_KIND_SCRAM:
		return terms->has_scram[mech->hash];
	case SASL_KIND_PLAIN:
		return terms->has_plain;
	}
	return false;
}

uint32_t sasl_offer(const struct sasl_terms *terms)
{
	uint32_t mechs = 0;

	for (int i = 0; i < SASL_MECHS; i++) {
		if (is_offered(terms, sasl_mech_info((enum sasl_mech)i)))
			mechs |= SASL_BIT(i);
	}
	return mechs;
}

static void write_bindings(struct xml_writer *writer, uint32_t bindings)
{
	xml_open(writer, "sasl-channel-binding", NS_CHANNEL_BINDING);
	for (int i = 0; i < SASL_BINDINGS; i++) {
		if (!(bindings & SASL_BINDINGS_ANNOUNCED & SASL_BIT(i)))
			continue;
		xml_open(writer, "channel-binding", NULL);
		xml_attr(writer, "type", bytes_of(sasl_binding_name((enum sasl_binding)i)));
		xml_close(writer);
	}
	xml_close(writer);
}

int sasl_write_offer(struct buf *out, uint32_t mechs, uint32_t bindings)
{
	struct xml_writer writer;

	xml_writer_init(&writer, out);
	if (bindings)
		write_bindings(&writer, bindings);
	xml_open(&writer, "mechanisms", NS_SASL);
	for (int i = 0; i < SASL_MECHS; i++) {
		if (mechs & SASL_BIT(i))
			xml_element_text(&writer, "mechanism",
					 bytes_of(sasl_mech_name((enum sasl_mech)i)));
	}
	xml_close(&writer);
	xml_writer_fini(&writer);
	return out->failed ? -ENOBUFS : 0;
}

int sasl_write_failure(struct buf *out, enum sasl_failure failure, enum text text,
		       enum text_lang lang)
{
	struct xml_writer writer;

	check(failure != SASL_FAILURE_NONE);
	xml_writer_init(&writer, out);
	xml_open(&writer, "failure", NS_SASL);
	xml_element_empty(&writer, sasl_failure_name(failure), NULL);
	if (text != TEXT_NONE) {
		xml_open(&writer, "text", NULL);
		xml_attr(&writer, "xml:lang", text_lang_tag(lang));
		xml_text(&writer, bytes_of(text_get(text, lang)));
		xml_close(&writer);
	}
	xml_close(&writer);
	xml_writer_fini(&writer);
	return out->failed ? -ENOBUFS : 0;
}
