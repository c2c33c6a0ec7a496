#include "xml/write.h"

#include <errno.h>

#include "base/check.h"
#include "base/utf8.h"
#include "xml/chars.h"

#define REPLACEMENT BYTES_LIT("\xef\xbf\xbd") /* U+FFFD */

/* The character at p when it is not ASCII: as it is, or replaced if XML cannot carry it. */
static struct bytes high_char(const char *p, const char *end, size_t *ret_len)
{
	uint32_t c;
	size_t len = utf8_decode(bytes_make(p, (size_t)(end - p)), &c);

	*ret_len = len ? len : 1;
	return len && char_is_valid(c) ? bytes_make(p, len) : REPLACEMENT;
}

/* What stands for the character at p; *ret_len: how much of the input it was. */
static struct bytes escape(const char *p, const char *end, bool is_attr, size_t *ret_len)
{
	*ret_len = 1;
	switch (*p) {
	case '<':
		return BYTES_LIT("&lt;");
	case '>':
		return BYTES_LIT("&gt;");
	case '&':
		return BYTES_LIT("&amp;");
	case '\'':
		return is_attr ? BYTES_LIT("&apos;") : BYTES_LIT("'");
	case '"':
		return is_attr ? BYTES_LIT("&quot;") : BYTES_LIT("\"");
	case '\t':
		return is_attr ? BYTES_LIT("&#9;") : BYTES_LIT("\t");
	case '\n':
		return is_attr ? BYTES_LIT("&#10;") : BYTES_LIT("\n");
	case '\r':
		return BYTES_LIT("&#13;");
	default:
		return (uint8_t)*p < 0x20 ? REPLACEMENT : high_char(p, end, ret_len);
	}
}

static int append_escaped(struct buf *out, struct bytes text, bool is_attr)
{
	const char *p = text.ptr ? text.ptr : "", *end = p + text.len;

	if (buf_reserve(out, text.len) < 0)
		return -ENOBUFS;
	while (p < end) {
		const char *stop = chars_escape_find(p, end, 0);
		size_t len;
		buf_append(out, bytes_make(p, (size_t)(stop - p)));
		if (stop == end)
			break;
		buf_append(out, escape(stop, end, is_attr, &len));
		p = stop + len;
	}
	return out->failed ? -ENOBUFS : 0;
}

int xml_escape_text(struct buf *out, struct bytes text)
{
	return append_escaped(out, text, false);
}

int xml_escape_attr(struct buf *out, struct bytes text)
{
	return append_escaped(out, text, true);
}

void xml_writer_init(struct xml_writer *writer, struct buf *out)
{
	writer->out = out;
	writer->depth = 0;
	writer->is_in_tag = false;
}

void xml_writer_fini(struct xml_writer *writer)
{
	check(writer->depth == 0);
	writer->out = NULL;
}

static void end_start_tag(struct xml_writer *writer)
{
	if (writer->is_in_tag)
		buf_append_byte(writer->out, '>');
	writer->is_in_tag = false;
}

void xml_open(struct xml_writer *writer, const char *name, const char *ns)
{
	check(writer->depth < XML_WRITER_DEPTH);
	end_start_tag(writer);
	writer->names[writer->depth++] = name;
	writer->is_in_tag = true;
	buf_append_byte(writer->out, '<');
	buf_append_cstr(writer->out, name);
	if (ns)
		xml_attr(writer, "xmlns", bytes_of(ns));
}

void xml_attr(struct xml_writer *writer, const char *name, struct bytes value)
{
	check(writer->is_in_tag);
	if (bytes_is_none(value))
		return;
	buf_append_byte(writer->out, ' ');
	buf_append_cstr(writer->out, name);
	buf_append(writer->out, BYTES_LIT("='"));
	xml_escape_attr(writer->out, value);
	buf_append_byte(writer->out, '\'');
}

void xml_attr_uint(struct xml_writer *writer, const char *name, uint64_t value)
{
	check(writer->is_in_tag);
	buf_printf(writer->out, " %s='%llu'", name, (unsigned long long)value);
}

void xml_text(struct xml_writer *writer, struct bytes text)
{
	if (bytes_is_none(text))
		return;
	check(writer->depth > 0);
	end_start_tag(writer);
	xml_escape_text(writer->out, text);
}

void xml_raw(struct xml_writer *writer, struct bytes xml)
{
	if (bytes_is_none(xml))
		return;
	end_start_tag(writer);
	buf_append(writer->out, xml);
}

void xml_close(struct xml_writer *writer)
{
	check(writer->depth > 0);
	writer->depth--;
	if (writer->is_in_tag) {
		buf_append(writer->out, BYTES_LIT("/>"));
		writer->is_in_tag = false;
		return;
	}
	buf_append(writer->out, BYTES_LIT("</"));
	buf_append_cstr(writer->out, writer->names[writer->depth]);
	buf_append_byte(writer->out, '>');
}

void xml_element_text(struct xml_writer *writer, const char *name, struct bytes text)
{
	xml_open(writer, name, NULL);
	xml_text(writer, text);
	xml_close(writer);
}

void xml_element_empty(struct xml_writer *writer, const char *name, const char *ns)
{
	xml_open(writer, name, ns);
	xml_close(writer);
}
