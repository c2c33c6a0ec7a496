/*
 * How hearthctl shows answers: one JSON value for programs, tables and sentences for people.
 */
#ifndef ADMIN_CTL_PRINT_H
#define ADMIN_CTL_PRINT_H

#include <stdbool.h>
#include <stdio.h>

struct cJSON;

struct ctl_printer {
	FILE *out;
	bool is_json;
	struct cJSON *rows; /* for people: kept until the widths are known */
	unsigned row_count;
};

void ctl_printer_init(struct ctl_printer *printer, FILE *out, bool is_json);
/* Frees the rows. */
void ctl_printer_fini(struct ctl_printer *printer);
/* Takes the row. */
void ctl_print_row(struct ctl_printer *printer, struct cJSON *taken_row);
/*
 * The end of a successful command: the table, then result and text (each may be NULL).
 * As JSON: the array of rows if is_list, else the result, else {"text":…}.
 */
void ctl_print_end(struct ctl_printer *printer, bool is_list, const struct cJSON *result,
		   const char *text);
/* The end of a failed one. As JSON: {"error":{"code":…,"text":…}}; else text goes to stderr. */
void ctl_print_error(struct ctl_printer *printer, const char *code, const char *text);
/* Columns that text takes on a terminal (Chinese characters take two). */
int ctl_print_width(const char *text);

#endif
