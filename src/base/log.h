/*
 * Structured log events. Who decides, logs, once: a dotted noun and fields.
 *
 * 	log_event(LOG_STREAM, LOG_INFO, "session.bound",
 * 		LOG_BYTES("user", jid), LOG_INT("resources", n));
 *
 * Rooms base, xml and xmpp never log. A line is written by one write(2) to stderr or a file, as
 * text or JSON; control characters and quotes are escaped, so that no peer can forge a line.
 * There is no field kind for a struct secret other than LOG_SECRET, which prints ***.
 * Thread-safe. Levels are per room and may change while running.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_room {
	LOG_IO,
	LOG_STORE,
	LOG_STREAM,
	LOG_CORE,
	LOG_FEATURE,
	LOG_ADMIN,
	LOG_MAIN,
	LOG_ROOMS
};

enum log_kind { LOG_KIND_END, LOG_KIND_BYTES, LOG_KIND_INT, LOG_KIND_UINT, LOG_KIND_SECRET };

struct log_field {
	enum log_kind kind;
	const char *key;
	union {
		struct bytes bytes;
		int64_t integer;
		uint64_t unsigned_integer;
	};
};

/* clang-format off */
#define LOG_BYTES(k, v) { LOG_KIND_BYTES, (k), { .bytes = (v) } }
#define LOG_STR(k, v) { LOG_KIND_BYTES, (k), { .bytes = bytes_of(v) } }
#define LOG_INT(k, v) { LOG_KIND_INT, (k), { .integer = (v) } }
#define LOG_UINT(k, v) { LOG_KIND_UINT, (k), { .unsigned_integer = (v) } }
#define LOG_SECRET(k) { LOG_KIND_SECRET, (k), { .integer = 0 } }
/* clang-format on */

extern enum log_level log_levels[LOG_ROOMS];

static inline bool log_is_on(enum log_room room, enum log_level level)
{
	return level <= __atomic_load_n(&log_levels[room], __ATOMIC_RELAXED);
}

#define log_event(room, level, name, ...)                                                 \
	do {                                                                              \
		if (log_is_on(room, level))                                               \
			log_write(room, level, name,                                      \
				  (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ \
					  LOG_KIND_END, NULL, { .integer = 0 } } });      \
	} while (0)

/* fields ends with LOG_KIND_END. */
void log_write(enum log_room room, enum log_level level, const char *name,
	       const struct log_field *fields);

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* fd stays the caller's; default is stderr, text, LOG_INFO everywhere. */
void log_setup(int fd, enum log_format format);
/* room by its name ("stream", or "all"), level by its name; 0 or -EINVAL. */
int log_set_level(struct bytes room, struct bytes level);

#endif
