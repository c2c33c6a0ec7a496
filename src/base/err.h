/*
 * struct err: why the world failed us (disk, net, configuration), in words for the person who
 * runs the server. Functions return 0 or a negative code and fill *ret_err on failure only.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	int code;	/* negative errno */
	char text[400]; /* one line, no secrets */
};

/* Fills *ret_err (NULL accepted) and returns code, so: return err_set(ret_err, -EIO, "…"); */
int err_set(struct err *ret_err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
