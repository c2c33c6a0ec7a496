#include "xml/fault.h"

#include "base/check.h"

static const char *const conditions[] = {
	[XML_FAULT_NONE] = "",
	[XML_FAULT_NOT_WELL_FORMED] = "not-well-formed",
	[XML_FAULT_RESTRICTED_XML] = "restricted-xml",
	[XML_FAULT_UNSUPPORTED_ENCODING] = "unsupported-encoding",
	[XML_FAULT_INVALID_NAMESPACE] = "invalid-namespace",
	[XML_FAULT_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
	[XML_FAULT_BAD_FORMAT] = "bad-format",
	[XML_FAULT_POLICY_VIOLATION] = "policy-violation",
};

struct bytes xml_fault_condition(enum xml_fault fault)
{
	check((size_t)fault < array_len(conditions));
	return bytes_of(conditions[fault]);
}
