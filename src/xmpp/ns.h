/* Namespaces, spelled once. String literals, so that they can be joined at compile time. */
#ifndef XMPP_NS_H
#define XMPP_NS_H

#define NS_CLIENT "jabber:client"
#define NS_SERVER "jabber:server"
#define NS_DIALBACK "jabber:server:dialback"
#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_FRAMING "urn:ietf:params:xml:ns:xmpp-framing" /* RFC 7395 */
#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define NS_ROSTER "jabber:iq:roster"
#define NS_ROSTER_VERSIONING "urn:xmpp:features:rosterver"
#define NS_PRE_APPROVAL "urn:xmpp:features:pre-approval"

#define NS_DATA_FORM "jabber:x:data"				/* XEP-0004 */
#define NS_LAST "jabber:iq:last"				/* XEP-0012 */
#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"	/* XEP-0030 */
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items" /* XEP-0030 */
#define NS_MUC "http://jabber.org/protocol/muc"			/* XEP-0045 */
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_MUC_ADMIN "http://jabber.org/protocol/muc#admin"
#define NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define NS_PRIVATE "jabber:iq:private"			  /* XEP-0049 */
#define NS_COMMANDS "http://jabber.org/protocol/commands" /* XEP-0050 */
#define NS_VCARD_TEMP "vcard-temp"			  /* XEP-0054 */
#define NS_RSM "http://jabber.org/protocol/rsm"		  /* XEP-0059 */
#define NS_PUBSUB "http://jabber.org/protocol/pubsub"	  /* XEP-0060 */
#define NS_OOB "jabber:x:oob"				  /* XEP-0066 */
#define NS_REGISTER "jabber:iq:register"		  /* XEP-0077 */
#define NS_REGISTER_FEATURE "http://jabber.org/features/iq-register"
#define NS_CHATSTATES "http://jabber.org/protocol/chatstates" /* XEP-0085 */
#define NS_VERSION "jabber:iq:version"			      /* XEP-0092 */
#define NS_COMPONENT "jabber:component:accept"		      /* XEP-0114 */
#define NS_CAPS "http://jabber.org/protocol/caps"	      /* XEP-0115 */
#define NS_HTTPBIND "http://jabber.org/protocol/httpbind"     /* XEP-0124 */
#define NS_XBOSH "urn:xmpp:xbosh"			      /* XEP-0206 */
#define NS_RECEIPTS "urn:xmpp:receipts"			      /* XEP-0184 */
#define NS_BLOCKING "urn:xmpp:blocking"			      /* XEP-0191 */
#define NS_BLOCKING_ERRORS "urn:xmpp:blocking:errors"
#define NS_SM "urn:xmpp:sm:3"			/* XEP-0198 */
#define NS_PING "urn:xmpp:ping"			/* XEP-0199 */
#define NS_TIME "urn:xmpp:time"			/* XEP-0202 */
#define NS_DELAY "urn:xmpp:delay"		/* XEP-0203 */
#define NS_CARBONS "urn:xmpp:carbons:2"		/* XEP-0280 */
#define NS_FORWARD "urn:xmpp:forward:0"		/* XEP-0297 */
#define NS_MAM "urn:xmpp:mam:2"			/* XEP-0313 */
#define NS_HINTS "urn:xmpp:hints"		/* XEP-0334 */
#define NS_CSI "urn:xmpp:csi:0"			/* XEP-0352 */
#define NS_PUSH "urn:xmpp:push:0"		/* XEP-0357 */
#define NS_SID "urn:xmpp:sid:0"			/* XEP-0359 */
#define NS_UPLOAD "urn:xmpp:http:upload:0"	/* XEP-0363 */
#define NS_BIND2 "urn:xmpp:bind:0"		/* XEP-0386 */
#define NS_SASL2 "urn:xmpp:sasl:2"		/* XEP-0388 */
#define NS_CHANNEL_BINDING "urn:xmpp:sasl-cb:0" /* XEP-0440 */

#endif
