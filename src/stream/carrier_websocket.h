/*
 * The carrier over WebSocket (RFC 7395): sub-protocol "xmpp", one element in each text message.
 * It is secure if the connection is, or if it comes from this machine, where a proxy in front
 * of us ends TLS.
 */
#ifndef STREAM_CARRIER_WEBSOCKET_H
#define STREAM_CARRIER_WEBSOCKET_H

#include "base/bytes.h"

struct conn;

/*
 * Serves a connection (taken) of this shard whose opening handshake is examined; answer is sent
 * first. Cut at once if the limits on unauthenticated streams refuse it.
 */
void websocket_carrier_serve(struct conn *conn, struct bytes answer);

#endif
