/* The options of room main, and the registration of everybody's, before a file is read. */
#ifndef MAIN_OPTIONS_H
#define MAIN_OPTIONS_H

#include "base/option.h"

extern struct option opt_listen_c2s;
extern struct option opt_listen_c2s_tls;
extern struct option opt_listen_http;
extern struct option opt_listen_https;
extern struct option opt_shards;
extern struct option opt_workers;
extern struct option opt_log_format;
extern struct option opt_log_level;
extern struct option opt_log_levels;
extern struct option opt_server_user;
extern struct option opt_server_group;

enum log_format_word { LOG_FORMAT_WORD_TEXT, LOG_FORMAT_WORD_JSON };

/*
 * Loads the plugins, then registers options, metrics, stores and features of all rooms. Once,
 * before the configuration is read. 0 or negative: two features claim one thing, or a plugin
 * does not fit.
 */
int options_register(const char *const *plugins, size_t plugin_count, struct err *ret_err);
/* shards, or one per processor this process may use. */
unsigned options_shards(const struct settings *settings);
/* workers, or one per processor. */
unsigned options_workers(const struct settings *settings);
/* Sets up log format and levels. 0, or -EINVAL: an entry of log.levels names no room or level.
 */
int options_apply_log(const struct settings *settings, struct err *ret_err);

#endif
