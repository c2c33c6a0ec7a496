/*
 * What can be wrong with XML that a peer sent, in the words of RFC 6120 section 4.9.3. The xml
 * room only names the fault; the stream room closes the stream with it.
 */
#ifndef XML_FAULT_H
#define XML_FAULT_H

#include "base/bytes.h"

enum xml_fault {
	XML_FAULT_NONE,
	XML_FAULT_NOT_WELL_FORMED, /* breaks XML 1.0 or Namespaces in XML 1.0 */
	XML_FAULT_RESTRICTED_XML,  /* comment, PI, DTD, other entity (RFC 6120 section 11.1) */
	XML_FAULT_UNSUPPORTED_ENCODING, /* not UTF-8 (RFC 6120 section 11.6) */
	XML_FAULT_INVALID_NAMESPACE,	/* stream header not in the streams namespace */
	XML_FAULT_BAD_NAMESPACE_PREFIX, /* stream header not written as stream:stream */
	XML_FAULT_BAD_FORMAT,		/* well-formed, but not a stream of elements */
	XML_FAULT_POLICY_VIOLATION,	/* over one of our limits */
};

/* The name of the stream error's condition element: "not-well-formed"; static. NONE gives "".
 */
struct bytes xml_fault_condition(enum xml_fault fault);

#endif
