/*
 * A line is built on the stack and leaves in one write(2). 4,096 bytes are what a pipe takes
 * whole (PIPE_BUF), so lines of two threads never mix; a longer value is cut at a character,
 * and fields that no longer fit are replaced by a mark.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"

enum {
	LINE_BYTES = 4096,
	VALUE_BYTES = 512,	/* of a value, before escaping */
	TAIL_BYTES = 16,	/* kept for the mark, the brace and the newline */
	FIELD_EXTRA_BYTES = 32, /* number or quotes, separators */
	ESCAPED_BYTES = 6,	/* the longest form of one byte: \u0001 */
};

struct line {
	char text[LINE_BYTES];
	size_t len;
	bool is_json;
};

enum log_level log_levels[LOG_ROOMS] = { LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO,
					 LOG_INFO, LOG_INFO, LOG_INFO };
static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_format = LOG_FORMAT_TEXT;

static const char *const room_names[LOG_ROOMS] = {
	[LOG_IO] = "io",     [LOG_STORE] = "store",	[LOG_STREAM] = "stream",
	[LOG_CORE] = "core", [LOG_FEATURE] = "feature", [LOG_ADMIN] = "admin",
	[LOG_MAIN] = "main",
};
static const char *const level_names[] = { "ERROR", "WARN", "INFO", "DEBUG" };

static void put(struct line *line, struct bytes b)
{
	check(b.len <= sizeof(line->text) - line->len);
	if (b.len > 0)
		memcpy(line->text + line->len, b.ptr, b.len);
	line->len += b.len;
}

static void put_cstr(struct line *line, const char *s)
{
	put(line, bytes_of(s));
}

__attribute__((format(printf, 2, 3))) static void put_printf(struct line *line,
							     const char *format, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line->text + line->len, room, format, args);
	va_end(args);
	check(len >= 0 && (size_t)len < room);
	line->len += (size_t)len;
}

/* Characters that end a line, hide text or change its direction in somebody's viewer. */
static bool is_deceptive(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

static void put_char(struct line *line, uint32_t c, struct bytes raw)
{
	if (c == '"' || c == '\\') {
		put(line, BYTES_LIT("\\"));
		put(line, raw);
	} else if (c == '\n') {
		put(line, BYTES_LIT("\\n"));
	} else if (is_deceptive(c)) {
		put_printf(line, "\\u%04x", c);
	} else {
		put(line, raw);
	}
}

/* JSON has no form for a byte that is no character; U+FFFD stands for it. */
static void put_bad_byte(struct line *line, char byte)
{
	if (line->is_json)
		put(line, BYTES_LIT("\\ufffd"));
	else
		put_printf(line, "\\x%02x", (uint8_t)byte);
}

static void put_quoted(struct line *line, struct bytes value)
{
	put(line, BYTES_LIT("\""));
	while (value.len > 0) {
		uint32_t c;
		size_t len = utf8_decode(value, &c);
		if (len > 0)
			put_char(line, c, bytes_first(value, len));
		else
			put_bad_byte(line, value.ptr[0]);
		value = bytes_skip(value, len > 0 ? len : 1);
	}
	put(line, BYTES_LIT("\""));
}

static void put_value(struct line *line, const struct log_field *field)
{
	struct bytes shown;

	switch (field->kind) {
	case LOG_KIND_BYTES:
		shown = utf8_truncate(field->bytes, VALUE_BYTES);
		put_quoted(line, shown);
		break;
	case LOG_KIND_INT:
		put_printf(line, "%lld", (long long)field->integer);
		break;
	case LOG_KIND_UINT:
		put_printf(line, "%llu", (unsigned long long)field->unsigned_integer);
		break;
	case LOG_KIND_SECRET:
		put_cstr(line, line->is_json ? "\"***\"" : "***");
		break;
	case LOG_KIND_END:
		break;
	}
}

static bool fits(const struct line *line, const struct log_field *field)
{
	size_t need = strlen(field->key) + FIELD_EXTRA_BYTES + TAIL_BYTES;

	if (field->kind == LOG_KIND_BYTES) {
		size_t len = field->bytes.len < VALUE_BYTES ? field->bytes.len : VALUE_BYTES;
		need += len * ESCAPED_BYTES;
	}
	return need <= sizeof(line->text) - line->len;
}

static void put_fields(struct line *line, const struct log_field *fields)
{
	for (; fields->kind != LOG_KIND_END; fields++) {
		if (!fits(line, fields)) {
			put_cstr(line, line->is_json ? ",\"cut\":true" : " cut=1");
			return;
		}
		put_printf(line, line->is_json ? ",\"%s\":" : " %s=", fields->key);
		put_value(line, fields);
	}
}

/* RFC 3339, UTC, milliseconds. */
static void put_time(struct line *line)
{
	uint64_t now_us = clock_real_us();
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	put_printf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (int)(now_us / 1000 % 1000));
}

static void put_head(struct line *line, enum log_room room, enum log_level level,
		     const char *name)
{
	put_cstr(line, line->is_json ? "{\"time\":\"" : "");
	put_time(line);
	if (line->is_json)
		put_printf(line, "\",\"level\":\"%s\",\"room\":\"%s\",\"event\":\"%.64s\"",
			   level_names[level], room_names[room], name);
	else
		put_printf(line, " %s %s %.64s", level_names[level], room_names[room], name);
}

/* A log that cannot be written has nobody to be told about it. */
static void write_line(const struct line *line)
{
	int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);

	while (write(fd, line->text, line->len) < 0 && errno == EINTR)
		;
}

void log_write(enum log_room room, enum log_level level, const char *name,
	       const struct log_field *fields)
{
	int format = atomic_load_explicit(&log_format, memory_order_relaxed);
	struct line line;

	check((unsigned int)room < LOG_ROOMS && (unsigned int)level <= LOG_DEBUG);
	line.len = 0;
	line.is_json = format == LOG_FORMAT_JSON;
	put_head(&line, room, level, name);
	put_fields(&line, fields);
	put_cstr(&line, line.is_json ? "}\n" : "\n");
	write_line(&line);
}

void log_setup(int fd, enum log_format format)
{
	atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
	atomic_store_explicit(&log_format, format, memory_order_relaxed);
}

static int find_level(struct bytes level)
{
	for (size_t i = 0; i < array_len(level_names); i++) {
		if (bytes_equal_nocase(level, bytes_of(level_names[i])))
			return (int)i;
	}
	return -EINVAL;
}

int log_set_level(struct bytes room, struct bytes level)
{
	int value = find_level(level);
	bool is_all = bytes_is(room, "all"), is_known = is_all;

	if (value < 0)
		return -EINVAL;
	for (size_t i = 0; i < LOG_ROOMS; i++) {
		if (is_all || bytes_is(room, room_names[i])) {
			__atomic_store_n(&log_levels[i], (enum log_level)value,
					 __ATOMIC_RELAXED);
			is_known = true;
		}
	}
	return is_known ? 0 : -EINVAL;
}
