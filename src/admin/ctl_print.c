/* See ctl_print.h. */
#include "admin/ctl_print.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/arena.h"
#include "base/utf8.h"

enum { COLUMNS_MAX = 16 };

int ctl_print_width(const char *text)
{
	int width = 0;
	for (struct bytes rest = bytes_of(text); rest.len > 0;) {
		uint32_t c;
		size_t len = utf8_decode(rest, &c);
		int columns = len > 0 ? wcwidth((wchar_t)c) : 1;
		width += columns > 0 ? columns : 0;
		rest = bytes_skip(rest, len > 0 ? len : 1);
	}
	return width;
}

void ctl_printer_init(struct ctl_printer *printer, FILE *out, bool is_json)
{
	*printer = (struct ctl_printer){ .out = out, .is_json = is_json };
	if (!is_json)
		printer->rows = cJSON_CreateArray();
}

void ctl_printer_fini(struct ctl_printer *printer)
{
	cJSON_Delete(printer->rows);
	printer->rows = NULL;
}

/* --- JSON --- */

static void print_json(FILE *out, const struct cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);
	fputs(text ? text : "null", out);
	cJSON_free(text);
}

static void end_json(struct ctl_printer *printer, bool is_list, const struct cJSON *result,
		     const char *text)
{
	struct cJSON *words = NULL;
	if (is_list)
		fputs(printer->row_count ? "\n]" : "[]", printer->out);
	else if (!result)
		cJSON_AddStringToObject(words = cJSON_CreateObject(), "text", text ? text : "");
	if (!is_list)
		print_json(printer->out, result ? result : words);
	fputc('\n', printer->out);
	cJSON_Delete(words);
}

/* --- tables --- */

/* A value as one cell; in scratch or borrowed from it. Never shows a terminal's control codes.
 */
static const char *cell(const struct cJSON *value)
{
	if (!value || cJSON_IsNull(value))
		return "-";
	if (!cJSON_IsString(value)) {
		char *json = cJSON_PrintUnformatted(value);
		const char *copy = arena_cstr(scratch(), bytes_of(json));
		cJSON_free(json);
		return copy;
	}
	char *text = arena_cstr(scratch(), bytes_of(value->valuestring));
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return text;
}

static const char *heading(const char *name)
{
	char *text = arena_cstr(scratch(), bytes_of(name));
	for (char *p = text; *p; p++)
		*p = *p == '_' ? ' ' : (char)toupper((unsigned char)*p);
	return text;
}

static void print_padded(FILE *out, const char *text, int width, bool is_last)
{
	fputs(text, out);
	for (int used = ctl_print_width(text); !is_last && used < width + 2; used++)
		fputc(' ', out);
}

static void widen(int *width, const char *text)
{
	int needed = ctl_print_width(text);
	if (*width < needed)
		*width = needed;
}

/* The first row's members are the columns. */
static void print_table(const struct ctl_printer *printer)
{
	const struct cJSON *first = printer->rows->child, *row, *member;
	const char *names[COLUMNS_MAX];
	int widths[COLUMNS_MAX] = { 0 };
	int count = 0;
	cJSON_ArrayForEach(member, first)
	{
		if (count == COLUMNS_MAX)
			break;
		names[count] = member->string;
		widen(&widths[count], heading(member->string));
		cJSON_ArrayForEach(row, printer->rows)
			widen(&widths[count], cell(cJSON_GetObjectItem(row, member->string)));
		count++;
	}
	for (int i = 0; i < count; i++)
		print_padded(printer->out, heading(names[i]), widths[i], i + 1 == count);
	fputc('\n', printer->out);
	cJSON_ArrayForEach(row, printer->rows)
	{
		for (int i = 0; i < count; i++)
			print_padded(printer->out, cell(cJSON_GetObjectItem(row, names[i])),
				     widths[i], i + 1 == count);
		fputc('\n', printer->out);
	}
}

/* "name  value" lines; an object inside is indented. */
static void print_facts(FILE *out, const struct cJSON *object, int indent)
{
	const struct cJSON *member;
	int width = 0;
	cJSON_ArrayForEach(member, object) widen(&width, member->string);
	cJSON_ArrayForEach(member, object)
	{
		fprintf(out, "%*s", indent, "");
		if (cJSON_IsObject(member)) {
			fprintf(out, "%s\n", member->string);
			print_facts(out, member, indent + 2);
			continue;
		}
		print_padded(out, member->string, width, false);
		fprintf(out, "%s\n", cell(member));
	}
}

/* --- public --- */

void ctl_print_row(struct ctl_printer *printer, struct cJSON *taken_row)
{
	printer->row_count++;
	if (!printer->is_json) {
		cJSON_AddItemToArray(printer->rows, taken_row);
		return;
	}
	fputs(printer->row_count == 1 ? "[\n" : ",\n", printer->out);
	print_json(printer->out, taken_row);
	cJSON_Delete(taken_row);
}

void ctl_print_end(struct ctl_printer *printer, bool is_list, const struct cJSON *result,
		   const char *text)
{
	if (printer->is_json) {
		end_json(printer, is_list, result, text);
		return;
	}
	if (printer->row_count > 0)
		print_table(printer);
	if (cJSON_IsObject(result))
		print_facts(printer->out, result, 0);
	if (text)
		fprintf(printer->out, "%s\n", text);
}

void ctl_print_error(struct ctl_printer *printer, const char *code, const char *text)
{
	if (!printer->is_json) {
		fprintf(stderr, "hearthctl: %s\n", text);
		return;
	}
	struct cJSON *answer = cJSON_CreateObject();
	struct cJSON *error = cJSON_AddObjectToObject(answer, "error");
	cJSON_AddStringToObject(error, "code", code);
	cJSON_AddStringToObject(error, "text", text);
	if (printer->row_count > 0)
		fputs("\n]\n", printer->out);
	print_json(printer->out, answer);
	fputc('\n', printer->out);
	cJSON_Delete(answer);
}
