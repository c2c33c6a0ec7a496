/* See ctl_prompt.h. */
#include "admin/ctl_prompt.h"

#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* One line of stdin, byte by byte, so that nothing of what follows it is consumed. */
static int read_line(struct secret *ret_line)
{
	char line[CTL_PASSWORD_MAX_BYTES + 1];
	size_t len = 0;
	char c = 0;
	ssize_t n = 0;
	while (len < sizeof(line) && (n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		line[len++] = c;
	int status = n < 0 ? -errno : len > CTL_PASSWORD_MAX_BYTES ? -EMSGSIZE : 0;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (status == 0)
		secret_init(ret_line, bytes_make(line, len));
	secret_wipe(line, sizeof(line));
	return status;
}

static int ask(enum text question, struct bytes whose, enum text_lang lang,
	       struct secret *ret_line)
{
	struct termios before, silent;
	struct bytes words = text_format(scratch(), question, lang, whose, BYTES_NONE);
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	/* Silent first: who answers the moment the question is there must not be thrown away. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fprintf(stderr, "%.*s", BYTES_ARG(words));
	int status = read_line(ret_line);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	fputc('\n', stderr);
	return status;
}

static int ask_twice(struct bytes whose, enum text_lang lang, struct secret *ret_password,
		     struct err *ret_err)
{
	struct secret first, second;
	int status = ask(TEXT_CTL_PASSWORD, whose, lang, &first);
	if (status < 0)
		return err_set(ret_err, status, "%s", strerror(-status));
	status = ask(TEXT_CTL_PASSWORD_AGAIN, whose, lang, &second);
	if (status < 0) {
		secret_fini(&first);
		return err_set(ret_err, status, "%s", strerror(-status));
	}
	bool is_same = secret_equal(secret_bytes(&first), secret_bytes(&second));
	secret_fini(&second);
	if (!is_same) {
		secret_fini(&first);
		return err_set(ret_err, -EINVAL, "%s",
			       text_get(TEXT_CTL_PASSWORDS_DIFFER, lang));
	}
	*ret_password = first;
	return 0;
}

int ctl_prompt_new_password(struct bytes whose, enum text_lang lang,
			    struct secret *ret_password, struct err *ret_err)
{
	struct secret password;
	int status;
	if (isatty(STDIN_FILENO)) {
		status = ask_twice(whose, lang, &password, ret_err);
	} else {
		status = read_line(&password);
		if (status < 0)
			err_set(ret_err, status, "%s", strerror(-status));
	}
	if (status < 0)
		return status;
	if (secret_bytes(&password).len == 0) {
		secret_fini(&password);
		return err_set(ret_err, -EINVAL, "%s", text_get(TEXT_CTL_NO_PASSWORD, lang));
	}
	*ret_password = password;
	return 0;
}
