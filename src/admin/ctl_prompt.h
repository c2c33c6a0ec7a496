/* Passwords for hearthctl: from the terminal without echo, or one line of stdin. Never argv. */
#ifndef ADMIN_CTL_PROMPT_H
#define ADMIN_CTL_PROMPT_H

#include "base/err.h"
#include "base/secret.h"
#include "base/text.h"

enum { CTL_PASSWORD_MAX_BYTES = 1023 };

/* On a terminal asks twice. 0, or a negative errno with a sentence. ret_password: _fini it. */
int ctl_prompt_new_password(struct bytes whose, enum text_lang lang,
			    struct secret *ret_password, struct err *ret_err);

#endif
