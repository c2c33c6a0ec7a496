/* What control.c (connections) and call.c (answers) share. One shard. */
#ifndef ADMIN_CONTROL_INTERNAL_H
#define ADMIN_CONTROL_INTERNAL_H

#include "admin/call.h"
#include "admin/control.h"
#include "admin/protocol.h"
#include "base/list.h"
#include "io/conn.h"

enum { CONTROL_PACE_BYTES = 65536 };

enum { CONTROL_CLIENT_MAGIC = 0xC0117201, ADMIN_CALL_MAGIC = 0xADC0A111 };

/* A connection of hearthctl's; freed when it is gone and its last call has been answered. */
struct control_client {
	uint32_t magic;
	struct list list;  /* of the control socket's clients */
	struct conn *conn; /* NULL: gone */
	uint32_t calls;	   /* not yet answered */
	struct list paced; /* struct admin_call.paced */
	struct call pace;  /* runs what waits in `paced` */
	bool is_ended;	   /* asks nothing more; leaves after the last answer */
};

struct admin_call {
	uint32_t magic;
	struct control_client *client;
	struct admin_request request;
	struct arena arena;
	struct list paced; /* in client->paced while it waits */
	void (*next)(struct admin_call *call, void *context);
	void *next_context;
};

/* The asker has read: continues the calls that waited for that. */
void call_resume(struct control_client *client);
/* Runs the command; takes what the request owns. */
void call_begin(struct control_client *client, struct admin_request *request);
/* Answers a line that is no request. */
void call_refuse(struct control_client *client, const struct admin_fault *fault);
/* A call has been answered, or the connection has gone: leaves or frees what is not needed. */
void control_client_settle(struct control_client *client);
const struct admin_host *control_host(void);

#endif
