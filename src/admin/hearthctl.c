/*
 * hearthctl: the administrator's hand. It reads its command line by commands.def, sends the
 * command over the control socket and shows the answer. Exit codes: 0 done, 1 refused or no
 * server, 2 wrong use.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/ctl_args.h"
#include "admin/ctl_link.h"
#include "admin/ctl_print.h"
#include "admin/ctl_prompt.h"
#include "admin/lang.h"
#include "admin/protocol.h"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	LINES_PER_PART = 200, /* of a bulk command */
	PARTS_ON_THE_WAY = 4,
};

struct run {
	struct ctl_args args;
	enum text_lang lang;
	const char *data_dir;
	struct ctl_link link;
	struct ctl_printer printer;
	struct cJSON *totals; /* bulk: the sums of the parts' results */
	unsigned sent;
	unsigned answered;
	size_t lines; /* read from stdin so far */
	bool has_failed;
};

/* --- words for people --- */

static struct bytes words_of(const struct run *run, enum text text, const char *arg)
{
	return text_format(scratch(), text, run->lang, bytes_of(arg), BYTES_NONE);
}

static int print_failure(struct run *run, const char *code, struct bytes words)
{
	ctl_print_error(&run->printer, code, words.ptr);
	run->has_failed = true;
	return EXIT_REFUSED;
}

static int print_no_server(struct run *run, int status)
{
	if (status == -EACCES || status == -EPERM)
		return print_failure(run, "denied",
				     words_of(run, TEXT_CTL_DENIED, run->data_dir));
	if (status == -ENOENT || status == -ECONNREFUSED || status == -ENOTDIR)
		return print_failure(run, "not-running",
				     words_of(run, TEXT_CTL_NOT_RUNNING, run->data_dir));
	return print_failure(run, "lost", words_of(run, TEXT_CTL_LOST, strerror(-status)));
}

static void print_command_help(const struct admin_command *command, enum text_lang lang)
{
	struct bytes usage = ctl_args_usage(scratch(), command);
	printf("  %-34.*s %s\n", BYTES_ARG(usage), text_get(command->help, lang));
}

static void print_help(const struct ctl_args *args, enum text_lang lang)
{
	printf("%s\n\n", text_get(TEXT_CTL_USAGE, lang));
	for (size_t i = 0; i < ADMIN_COMMANDS; i++) {
		struct bytes rest = bytes_of(admin_commands[i].name);
		struct bytes first = bytes_cut(&rest, ' ');
		bool is_meant =
			args->command ? args->command == &admin_commands[i]
				      : args->group.len == 0 || bytes_equal(args->group, first);
		if (is_meant)
			print_command_help(&admin_commands[i], lang);
	}
	printf("\n%s\n", text_get(TEXT_CTL_SWITCHES, lang));
}

/* --- asking and hearing --- */

static int send_request(struct run *run, const struct cJSON *values)
{
	return ctl_link_send(&run->link, ++run->sent, run->args.command->name, values,
			     text_lang_tag(run->lang));
}

static void add_up(struct cJSON *totals, const struct cJSON *result)
{
	const struct cJSON *member;
	cJSON_ArrayForEach(member, result)
	{
		struct cJSON *total = cJSON_GetObjectItem(totals, member->string);
		if (!cJSON_IsNumber(member))
			continue;
		if (total)
			cJSON_SetNumberHelper(total, total->valuedouble + member->valuedouble);
		else
			cJSON_AddNumberToObject(totals, member->string, member->valuedouble);
	}
}

static const char *member_text(const struct cJSON *object, const char *name)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool is_list(const struct admin_command *command)
{
	struct bytes name = bytes_of(command->name);
	return name.len > 5 && bytes_is(bytes_skip(name, name.len - 5), " list");
}

static void hear_end(struct run *run, const struct cJSON *answer)
{
	const struct cJSON *result = cJSON_GetObjectItemCaseSensitive(answer, "result");
	run->answered++;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
		const char *code = member_text(answer, "code"),
			   *text = member_text(answer, "text");
		print_failure(run, code ? code : "internal", bytes_of(text ? text : "?"));
	} else if (run->totals) {
		add_up(run->totals, result);
	} else {
		ctl_print_end(&run->printer, is_list(run->args.command), result,
			      member_text(answer, "text"));
	}
}

/* Hears one answer or row. */
static int hear(struct run *run)
{
	struct cJSON *answer;
	int status = ctl_link_receive(&run->link, &answer);
	if (status < 0)
		return status;
	struct cJSON *row = cJSON_DetachItemFromObjectCaseSensitive(answer, "row");
	if (row)
		ctl_print_row(&run->printer, row);
	else
		hear_end(run, answer);
	cJSON_Delete(answer);
	return 0;
}

static int hear_until(struct run *run, unsigned on_the_way)
{
	int status = 0;
	while (status == 0 && run->sent - run->answered > on_the_way)
		status = hear(run);
	return status;
}

/* --- bulk: lines of stdin in parts, several on their way --- */

static size_t read_part(struct run *run, struct cJSON *lines)
{
	char *line = NULL;
	size_t room = 0, count = 0;
	ssize_t len;
	while (count < LINES_PER_PART && (len = getline(&line, &room, stdin)) >= 0) {
		struct bytes text = bytes_trim(bytes_make(line, (size_t)len));
		line[text.ptr - line + (ptrdiff_t)text.len] = '\0';
		cJSON_AddItemToArray(lines, cJSON_CreateString(text.ptr));
		count++;
	}
	if (line)
		secret_wipe(line, room);
	free(line);
	run->lines += count;
	return count;
}

static int send_part(struct run *run, const struct admin_arg *arg, bool *ret_is_last)
{
	struct cJSON *values = cJSON_Duplicate(run->args.values, true);
	cJSON_AddNumberToObject(values, "first_line", (double)run->lines + 1);
	size_t count = read_part(run, cJSON_AddArrayToObject(values, arg->name));
	int status = count > 0 ? send_request(run, values) : 0;
	*ret_is_last = count < LINES_PER_PART;
	admin_json_wipe(&values);
	return status;
}

static int run_bulk(struct run *run, const struct admin_arg *arg)
{
	bool is_last = false;
	int status = 0;
	run->totals = cJSON_CreateObject();
	while (status == 0 && !is_last) {
		status = send_part(run, arg, &is_last);
		if (status == 0)
			status = hear_until(run, is_last ? 0 : PARTS_ON_THE_WAY);
		arena_reset(scratch());
	}
	const struct cJSON *failed = cJSON_GetObjectItem(run->totals, "failed");
	if (failed && failed->valuedouble > 0)
		run->has_failed = true;
	if (status == 0)
		ctl_print_end(&run->printer, false, run->totals, NULL);
	cJSON_Delete(run->totals);
	return status;
}

/* --- one command --- */

static int add_password(struct run *run, const struct admin_arg *arg)
{
	const struct cJSON *jid = cJSON_GetObjectItem(run->args.values, "jid");
	struct bytes whose = jid ? bytes_of(jid->valuestring) : BYTES_LIT("");
	struct secret password;
	struct err err;
	if (ctl_prompt_new_password(whose, run->lang, &password, &err) < 0) {
		ctl_print_error(&run->printer, "bad-request", err.text);
		return -1;
	}
	char *text = arena_cstr(scratch(), secret_bytes(&password));
	cJSON_AddStringToObject(run->args.values, arg->name, text);
	secret_wipe(text, secret_bytes(&password).len);
	secret_fini(&password);
	return 0;
}

static int run_connected(struct run *run)
{
	const struct admin_arg *lines = ctl_args_of_kind(run->args.command, ADMIN_ARG_LINES);
	const struct admin_arg *password =
		ctl_args_of_kind(run->args.command, ADMIN_ARG_NEW_PASSWORD);
	if (password && add_password(run, password) < 0)
		return EXIT_USAGE;
	int status = lines ? run_bulk(run, lines) : send_request(run, run->args.values);
	if (status == 0)
		status = hear_until(run, 0);
	if (status < 0)
		return print_no_server(run, status);
	return run->has_failed ? EXIT_REFUSED : EXIT_DONE;
}

/* --data-dir, HEARTH_DATA_DIR, ./data if a server has run there, or the package's place. */
static const char *find_data_dir(const struct ctl_args *args)
{
	const char *from_environment = getenv("HEARTH_DATA_DIR");
	if (args->data_dir)
		return args->data_dir;
	if (from_environment && from_environment[0])
		return from_environment;
	if (access("data", F_OK) == 0 || access("/var/lib/hearth", F_OK) != 0)
		return "data";
	return "/var/lib/hearth";
}

static int run_command(struct run *run)
{
	run->data_dir = find_data_dir(&run->args);
	ctl_printer_init(&run->printer, stdout, run->args.is_json);
	int status = ctl_link_open(run->data_dir, &run->link);
	int code;
	if (status < 0) {
		code = print_no_server(run, status);
	} else {
		code = run_connected(run);
		ctl_link_close(&run->link);
	}
	ctl_printer_fini(&run->printer);
	return code;
}

int main(int argc, char **argv)
{
	struct run run = { .lang = lang_of_environment() };
	struct err err;
	int code = EXIT_DONE;
	setlocale(LC_CTYPE, "");
	if (ctl_args_parse(argc, argv, run.lang, &run.args, &err) < 0) {
		fprintf(stderr, "hearthctl: %s\n%s\n", err.text,
			text_get(TEXT_CTL_TRY_HELP, run.lang));
		return EXIT_USAGE;
	}
	if (run.args.wants_version)
		printf("hearthctl %s\n", HEARTH_VERSION);
	else if (run.args.wants_help)
		print_help(&run.args, run.lang);
	else
		code = run_command(&run);
	ctl_args_fini(&run.args);
	scratch_fini();
	return fflush(stdout) == 0 ? code : EXIT_REFUSED;
}
