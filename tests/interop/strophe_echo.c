/*
 * An unmodified libstrophe client for the interop test: logs in over STARTTLS, says "ready" on
 * stdout, and sends each chat message back to its sender, until it is told "stop".
 *	strophe_echo JID PASSWORD PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

static int echo(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *context)
{
	char *body = xmpp_message_get_body(stanza);
	xmpp_stanza_t *reply;

	if (body == NULL)
		return 1;
	if (strcmp(body, "stop") == 0) {
		xmpp_disconnect(conn);
	} else {
		reply = xmpp_message_new(context, "chat", xmpp_stanza_get_from(stanza), "echo");
		xmpp_message_set_body(reply, body);
		xmpp_send(conn, reply);
		xmpp_stanza_release(reply);
	}
	xmpp_free(context, body);
	return 1;
}

static void changed(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
		    xmpp_stream_error_t *stream_error, void *context)
{
	xmpp_stanza_t *presence;

	(void)stream_error;
	if (event != XMPP_CONN_CONNECT) {
		fprintf(stderr, "disconnected (%d)\n", error);
		xmpp_stop(context);
		return;
	}
	xmpp_handler_add(conn, echo, NULL, "message", NULL, context);
	presence = xmpp_presence_new(context);
	xmpp_send(conn, presence);
	xmpp_stanza_release(presence);
	printf("ready %s\n", xmpp_conn_get_bound_jid(conn));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	xmpp_ctx_t *context;
	xmpp_conn_t *conn;

	if (argc != 4)
		return 2;
	xmpp_initialize();
	context = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_WARN));
	conn = xmpp_conn_new(context);
	xmpp_conn_set_jid(conn, argv[1]);
	xmpp_conn_set_pass(conn, argv[2]);
	xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS);
	if (xmpp_connect_client(conn, "127.0.0.1", (unsigned short)atoi(argv[3]), changed,
				context) != XMPP_EOK)
		return 1;
	xmpp_run(context);
	xmpp_conn_release(conn);
	xmpp_ctx_free(context);
	xmpp_shutdown();
	return 0;
}
