/*
 * What people and clients find over HTTP: the page at "/", which says what this is and how to
 * connect, and where WebSocket is (XEP-0156). Made for each request from the domain that its
 * host names, in the reader's language.
 */
#include <inttypes.h>

#include "base/buf.h"
#include "base/table.h"
#include "stream/inside.h"
#include "stream/local.h"
#include "stream/web.h"
#include "xml/write.h"

#define WEBSOCKET_PATH "/xmpp-websocket"

/* The path names the version, so that it can be kept. */
#define STYLE_PATH "/web/style-1.css"

#define PAGE_POLICY                                                       \
	"Content-Security-Policy: default-src 'none'; style-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n" \
	"Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: "  \
	"same-origin\r\n"

static const char style[] =
	":root{color-scheme:light dark}"
	"body{font:1.0625rem/1.6 system-ui,sans-serif;max-width:38rem;margin:0 auto;"
	"padding:3rem 1.25rem}"
	"h1{font-size:1.75rem;line-height:1.2;overflow-wrap:anywhere}"
	"h2{font-size:1.125rem;margin-top:2rem}"
	"dt{font-weight:600}dd{margin:0 0 .75rem}"
	"code{font-size:.95em;overflow-wrap:anywhere}";

static struct bytes etag_of(struct bytes body)
{
	static const uint8_t key[16]; /* only tells versions apart */

	return arena_printf(scratch(), "\"%016" PRIx64 "\"", siphash(key, body));
}

/* What the domain is told to say, or the host that was asked for. */
static struct bytes websocket_url(const struct domain *domain, const struct http_head *head)
{
	struct bytes url = settings_string(stream_host()->domain_settings(domain),
					   &stream_opt_web_websocket_url);

	if (url.len > 0)
		return url;
	return arena_printf(scratch(), "wss://%.*s" WEBSOCKET_PATH, BYTES_ARG(head->host));
}

/* --- the page ------------------------------------------------------------------------------ */

/* The first language that the reader asks for. */
static enum text_lang lang_of(const struct http_head *head)
{
	struct bytes list = http_field(head, "Accept-Language");
	struct bytes first = bytes_cut(&list, ',');

	return text_lang_of(bytes_trim(bytes_cut(&first, ';')));
}

static void element(struct buf *out, const char *name, struct bytes text)
{
	buf_printf(out, "<%s>", name);
	xml_escape_text(out, text);
	buf_printf(out, "</%s>\n", name);
}

static void sentence(struct buf *out, const char *name, enum text key, enum text_lang lang,
		     struct bytes domain)
{
	element(out, name, text_format(scratch(), key, lang, domain, BYTES_NONE));
}

static void way(struct buf *out, enum text key, enum text_lang lang, struct bytes value)
{
	sentence(out, "dt", key, lang, BYTES_NONE);
	buf_append_cstr(out, "<dd><code>");
	xml_escape_text(out, value);
	buf_append_cstr(out, "</code></dd>\n");
}

static void port(struct buf *out, enum text key, enum text_lang lang, struct bytes domain,
		 uint16_t number)
{
	if (number != 0)
		way(out, key, lang,
		    arena_printf(scratch(), "%.*s:%u", BYTES_ARG(domain), number));
}

static void write_ways(struct buf *out, const struct http_head *head, enum text_lang lang,
		       const struct domain *domain)
{
	struct bytes name = stream_host()->domain_name(domain);
	const struct stream_local *local = stream_local_find();
	bool is_tls = local && local->tls;

	sentence(out, "h2", TEXT_WEB_CONNECT, lang, name);
	sentence(out, "p", TEXT_WEB_CONNECT_HOW, lang, name);
	buf_append_cstr(out, "<dl>\n");
	port(out, TEXT_WEB_STARTTLS, lang, name, local ? local->c2s_port : 0);
	port(out, TEXT_WEB_DIRECT_TLS, lang, name, is_tls ? local->c2s_tls_port : 0);
	way(out, TEXT_WEB_WEBSOCKET, lang, websocket_url(domain, head));
	buf_append_cstr(out, "</dl>\n");
}

static void write_page(struct buf *out, const struct http_head *head)
{
	const struct domain *domain = web_domain(head);
	struct bytes name = domain ? stream_host()->domain_name(domain) : BYTES_LIT("Hearth");
	enum text_lang lang = lang_of(head);

	buf_printf(out,
		   "<!doctype html>\n<html lang=\"%.*s\">\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		   "<link rel=\"stylesheet\" href=\"" STYLE_PATH "\">\n",
		   BYTES_ARG(text_lang_tag(lang)));
	element(out, "title", name);
	buf_append_cstr(out, "<main>\n");
	element(out, "h1", name);
	sentence(out, "p", TEXT_WEB_WHAT, lang, name);
	if (domain)
		write_ways(out, head, lang, domain);
	else
		sentence(out, "p", TEXT_WEB_NO_DOMAIN, lang, name);
	buf_append_cstr(out, "</main>\n</html>\n");
}

static void show_page(struct http *http, const struct http_head *head, struct bytes path)
{
	struct buf page;

	(void)path;
	buf_init(&page, 0);
	write_page(&page, head);
	http_answer_asset(
		http, head,
		&(struct http_asset){
			.body = buf_bytes(&page),
			.type = BYTES_LIT("text/html; charset=utf-8"),
			.etag = etag_of(buf_bytes(&page)),
			.fields = BYTES_LIT("Cache-Control: no-cache\r\n"
					    "Vary: Accept-Language\r\n" PAGE_POLICY) });
	buf_fini(&page);
}

static void show_style(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)path;
	http_answer_asset(
		http, head,
		&(struct http_asset){
			.body = bytes_of(style),
			.type = BYTES_LIT("text/css; charset=utf-8"),
			.etag = etag_of(bytes_of(style)),
			.fields = BYTES_LIT(
				"Cache-Control: public, max-age=31536000, immutable\r\n"
				"Cross-Origin-Resource-Policy: same-origin\r\n"),
			.is_static = true });
}

/* Browsers ask for one unasked. */
static void show_no_icon(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)head;
	(void)path;
	http_answer_status(http, 204);
}

/* --- XEP-0156 ------------------------------------------------------------------------------ */

static void write_xrd(struct buf *out, struct bytes url)
{
	buf_append_cstr(out, "<?xml version='1.0' encoding='utf-8'?>\n"
			     "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>"
			     "<Link rel='urn:xmpp:alt-connections:websocket' href='");
	xml_escape_attr(out, url);
	buf_append_cstr(out, "'/></XRD>\n");
}

static void json_string(struct buf *out, struct bytes text)
{
	buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '"' || c == '\\' || c < 0x20)
			buf_printf(out, "\\u%04x", c);
		else
			buf_append_byte(out, (char)c);
	}
	buf_append_byte(out, '"');
}

static void write_jrd(struct buf *out, struct bytes url)
{
	buf_append_cstr(
		out, "{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\",\"href\":");
	json_string(out, url);
	buf_append_cstr(out, "}]}\n");
}

static void answer_meta(struct http *http, const struct http_head *head, struct bytes type,
			void (*write)(struct buf *, struct bytes))
{
	const struct domain *domain = web_domain(head);
	struct buf meta;

	if (!domain) {
		http_answer_status(http, 404);
		return;
	}
	buf_init(&meta, 0);
	write(&meta, websocket_url(domain, head));
	http_answer_asset(
		http, head,
		&(struct http_asset){ .body = buf_bytes(&meta),
				      .type = type,
				      .etag = etag_of(buf_bytes(&meta)),
				      .fields = BYTES_LIT("Access-Control-Allow-Origin: *\r\n"
							  "Cache-Control: no-cache\r\n") });
	buf_fini(&meta);
}

static void show_xrd(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)path;
	answer_meta(http, head, BYTES_LIT("application/xrd+xml"), write_xrd);
}

static void show_jrd(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)path;
	answer_meta(http, head, BYTES_LIT("application/json"), write_jrd);
}

/* --- the routes ---------------------------------------------------------------------------- */

#define PAGE(path_, request_)                                                       \
	&(const struct http_route)                                                  \
	{                                                                           \
		.path = (path_), .methods = HTTP_GET, .permission = HTTP_EVERYBODY, \
		.request = (request_)                                               \
	}

const struct http_route *const web_pages[] = {
	PAGE("/", show_page),
	PAGE(STYLE_PATH, show_style),
	PAGE("/favicon.ico", show_no_icon),
	PAGE("/.well-known/host-meta", show_xrd),
	PAGE("/.well-known/host-meta.json", show_jrd),
	NULL,
};
