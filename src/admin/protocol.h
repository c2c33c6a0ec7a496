/*
 * What goes over the control socket: one JSON object per line, each way.
 *
 * 	-> {"id":1,"command":"user show","args":{"jid":"alice@localhost"},"lang":"en"}
 * 	<- {"id":1,"row":{…}}				any number of them
 * 	<- {"id":1,"ok":true,"result":{…},"text":"…"}	or
 * 	<- {"id":1,"ok":false,"code":"not-found","text":"…"}
 *
 * Several requests may be on their way; answers carry the id and come in any order.
 */
#ifndef ADMIN_PROTOCOL_H
#define ADMIN_PROTOCOL_H

#include "admin/command.h"

struct cJSON;

enum { ADMIN_LINE_MAX = 1 << 20, ADMIN_CALLS_MAX = 64 /* unanswered, per connection */ };

#define ADMIN_SOCKET_NAME "control.sock"

struct admin_request {
	double id;
	const struct admin_command *command;
	enum text_lang lang;
	struct cJSON *json;	  /* the whole request, owned */
	const struct cJSON *args; /* NULL if there are none; borrowed from json */
};

/* Why a line is no request: a text with at most one argument. */
struct admin_fault {
	double id; /* 0 if it could not be read */
	enum text_lang lang;
	enum text text;
	struct bytes arg; /* in scratch */
};

/*
 * Reads one line without its newline. 0, or -EINVAL with the reason. Arguments that the command
 * requires are there and of their kind afterwards.
 */
int admin_request_parse(struct bytes line, struct admin_request *ret_request,
			struct admin_fault *ret_fault);
/* Wipes every string (there may be passwords) and frees. May be called twice. */
void admin_request_fini(struct admin_request *request);
/* Wipes every string of an object or array and frees it; a NULL in *json is accepted. */
void admin_json_wipe(struct cJSON **json);

#endif
