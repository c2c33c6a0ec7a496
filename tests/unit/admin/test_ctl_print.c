#include "unit.h"

#include <cjson/cJSON.h>
#include <locale.h>
#include <stdlib.h>

#include "admin/ctl_print.h"

struct page {
	struct ctl_printer printer;
	char *text;
	size_t len;
};

static void begin(struct page *page, bool is_json)
{
	FILE *out = open_memstream(&page->text, &page->len);
	ctl_printer_init(&page->printer, out, is_json);
}

static void assert_page(struct page *page, const char *expected)
{
	fclose(page->printer.out);
	ctl_printer_fini(&page->printer);
	assert_string_equal(page->text, expected);
	free(page->text);
}

static void print_rows(struct page *page)
{
	ctl_print_row(&page->printer,
		      cJSON_Parse("{\"jid\":\"alice@localhost\",\"since_day\":1}"));
	ctl_print_row(&page->printer, cJSON_Parse("{\"jid\":\"b@c\",\"since_day\":null}"));
}

static void rows_become_a_table(void **state)
{
	struct page page;
	(void)state;
	begin(&page, false);
	print_rows(&page);
	ctl_print_end(&page.printer, true, NULL, NULL);
	assert_page(&page, "JID              SINCE DAY\n"
			   "alice@localhost  1\n"
			   "b@c              -\n");
}

static void rows_become_one_json_array(void **state)
{
	struct page page;
	(void)state;
	begin(&page, true);
	print_rows(&page);
	ctl_print_end(&page.printer, true, NULL, NULL);
	assert_page(&page, "[\n{\"jid\":\"alice@localhost\",\"since_day\":1},\n"
			   "{\"jid\":\"b@c\",\"since_day\":null}\n]\n");
	begin(&page, true);
	ctl_print_end(&page.printer, true, NULL, NULL);
	assert_page(&page, "[]\n");
}

static void results_become_lines_or_json(void **state)
{
	struct page page;
	struct cJSON *result =
		cJSON_Parse("{\"pid\":5,\"listen\":{\"c2s\":\"*:1\"},\"b\":true}");
	(void)state;
	begin(&page, false);
	ctl_print_end(&page.printer, false, result, NULL);
	assert_page(&page, "pid     5\nlisten\n  c2s  *:1\nb       true\n");
	begin(&page, true);
	ctl_print_end(&page.printer, false, result, NULL);
	assert_page(&page, "{\"pid\":5,\"listen\":{\"c2s\":\"*:1\"},\"b\":true}\n");
	begin(&page, true);
	ctl_print_end(&page.printer, false, NULL, "Done.");
	assert_page(&page, "{\"text\":\"Done.\"}\n");
	cJSON_Delete(result);
}

static void errors_are_json_where_json_is_asked_for(void **state)
{
	struct page page;
	(void)state;
	begin(&page, true);
	ctl_print_error(&page.printer, "not-found", "No such user.");
	assert_page(&page, "{\"error\":{\"code\":\"not-found\",\"text\":\"No such user.\"}}\n");
}

/* What a user chose as a name must not move the administrator's cursor. */
static void control_codes_are_not_shown(void **state)
{
	struct page page;
	(void)state;
	begin(&page, false);
	ctl_print_row(&page.printer, cJSON_Parse("{\"name\":\"a\\u001b[2Jb\"}"));
	ctl_print_end(&page.printer, true, NULL, NULL);
	assert_page(&page, "NAME\na?[2Jb\n");
}

static void chinese_takes_two_columns(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(ctl_print_width("abc"), 3);
	assert_int_equal(ctl_print_width("你好"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_a_table),
		cmocka_unit_test(rows_become_one_json_array),
		cmocka_unit_test(results_become_lines_or_json),
		cmocka_unit_test(errors_are_json_where_json_is_asked_for),
		cmocka_unit_test(control_codes_are_not_shown),
		cmocka_unit_test(chinese_takes_two_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
