#include "xmpp/plain.h"

#include <errno.h>

#include "base/utf8.h"

int plain_parse(struct bytes message, struct plain_message *ret_message)
{
	struct plain_message parsed;
	struct bytes rest = message;

	if (message.len == 0 || !utf8_is_valid(message))
		return -EINVAL;
	parsed.authzid = bytes_cut(&rest, '\0');
	if (bytes_is_none(rest))
		return -EINVAL;
	if (parsed.authzid.len == 0)
		parsed.authzid = BYTES_NONE;
	parsed.authcid = bytes_cut(&rest, '\0');
	parsed.password = rest;
	if (parsed.authcid.len == 0 || parsed.password.len == 0 ||
	    bytes_find_byte(parsed.password, '\0') >= 0)
		return -EINVAL;
	*ret_message = parsed;
	return 0;
}
