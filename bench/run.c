/* What scenarios share: logins in bulk, settling, meters, results. */
#include "scenario.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/clock.h"

enum { TURN_MS = 20, LOGOUT_MS = 5000 };

static uint64_t in_ms(uint32_t ms)
{
	return clock_ns() + (uint64_t)ms * 1000000;
}

bool load_login(struct load *load, uint32_t first, uint32_t count)
{
	uint32_t next = first;
	uint32_t last = first + count;
	uint32_t broken = load->broken;
	struct stall stall;

	stall_start(&stall, load);
	while ((next < last || load->pending > 0) && load->broken == broken) {
		while (next < last && load->pending < load->opt.concurrency) {
			load->clients[next].due_ns = clock_ns();
			load_connect(load, next++);
		}
		if (!stall_turn(&stall) && load->broken == broken) {
			fprintf(stderr, "load: logins stalled at %" PRIu32 "\n", load->ready);
			return false;
		}
	}
	return load->broken == broken;
}

void load_settle(struct load *load, uint32_t quiet_ms, uint32_t max_ms)
{
	uint64_t end = in_ms(max_ms);
	uint64_t quiet = in_ms(quiet_ms);
	uint64_t reads = load->reads;

	while (clock_ns() < end && clock_ns() < quiet) {
		load_turn(load, quiet < end ? quiet : end);
		if (load->reads != reads) {
			reads = load->reads;
			quiet = in_ms(quiet_ms);
		}
	}
}

void stall_start(struct stall *stall, struct load *load)
{
	*stall = (struct stall){ load, load->reads,
				 clock_ns() + (uint64_t)(load->opt.patience_s * 1e9) };
}

bool stall_turn(struct stall *stall)
{
	load_turn(stall->load, in_ms(TURN_MS));
	if (stall->load->reads != stall->reads)
		stall_start(stall, stall->load);
	return stall->load->broken == 0 && clock_ns() < stall->ends_ns;
}

void load_drain(struct load *load, const struct tally *tally)
{
	struct stall stall;

	stall_start(&stall, load);
	while (tally->received < tally->sent && stall_turn(&stall))
		;
}

void load_logout(struct load *load)
{
	uint64_t end = in_ms(LOGOUT_MS);

	for (uint32_t i = 0; i < load->count; i++) {
		struct client *client = &load->clients[i];
		if (client->state != CLIENT_READY || load->opt.is_relay) {
			client_close(client);
			continue;
		}
		client_send(client, BYTES_LIT("</stream:stream>"));
		client->state = CLIENT_CLOSING;
	}
	while (load->ready > 0 && clock_ns() < end)
		load_turn(load, in_ms(TURN_MS));
	for (uint32_t i = 0; i < load->count; i++)
		client_close(&load->clients[i]);
}

/* --- meters --- */

static uint64_t own_cpu_ns(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_SELF, &usage) == 0);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) *
		       1000000000 +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

void meter_start(struct meter *meter, const struct load *load)
{
	meter->load = load;
	proc_cpu_read(&load->opt.procs, &meter->cpu);
	meter->own_ns = own_cpu_ns();
	meter->start_ns = clock_ns();
}

struct cost meter_stop(const struct meter *meter)
{
	struct proc_cpu now;
	uint64_t wall = clock_ns() - meter->start_ns;

	proc_cpu_read(&meter->load->opt.procs, &now);
	return (struct cost){
		.wall_s = (double)wall / 1e9,
		.server_cpu_s = (double)proc_cpu_between(&meter->cpu, &now) / 1e9,
		.own_cpu_s = (double)(own_cpu_ns() - meter->own_ns) / 1e9,
	};
}

void cost_add(struct cost *sum, struct cost more)
{
	sum->wall_s += more.wall_s;
	sum->server_cpu_s += more.server_cpu_s;
	sum->own_cpu_s += more.own_cpu_s;
}

/* --- results --- */

static const char *tls_text(enum load_tls tls)
{
	static const char *const text[] = { "none", "starttls", "direct" };
	return text[tls];
}

static void setup_text(uint32_t setup, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s%s%s%s", setup & LOAD_SETUP_PRESENCE ? "presence " : "",
		 setup & LOAD_SETUP_CARBONS ? "carbons " : "",
		 setup & LOAD_SETUP_SM ? "sm " : "",
		 setup & LOAD_SETUP_ROSTER ? "roster " : "");
	size_t len = strlen(ret_text);
	if (len > 0)
		ret_text[len - 1] = '\0';
}

void result_begin(struct result *result, const struct load *load, const char *scenario)
{
	const struct load_options *opt = &load->opt;
	char setup[64];

	result->stream = open_memstream(&result->text, &result->len);
	check(result->stream);
	fprintf(result->stream, "{\"scenario\":\"%s\"", scenario);
	setup_text(opt->setup, setup, sizeof(setup));
	result_text(result, "server", opt->server);
	result_text(result, "version", opt->version);
	result_text(result, "case", opt->label);
	result_text(result, "tls", tls_text(opt->tls));
	result_text(result, "tls_cipher", load->tls_name);
	result_text(result, "setup", setup);
	result_u64(result, "users", load->count);
	result_u64(result, "time", clock_real_us() / 1000000);
}

void result_u64(struct result *result, const char *name, uint64_t value)
{
	fprintf(result->stream, ",\"%s\":%" PRIu64, name, value);
}

void result_real(struct result *result, const char *name, double value)
{
	fprintf(result->stream, ",\"%s\":%.6g", name, isfinite(value) ? value : 0.0);
}

void result_text(struct result *result, const char *name, const char *value)
{
	FILE *out = result->stream;

	fprintf(out, ",\"%s\":\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		fputc((unsigned char)*p < ' ' ? ' ' : *p, out);
	}
	fputc('"', out);
}

void result_cost(struct result *result, const struct cost *cost, uint64_t ops)
{
	double n = (double)ops;

	result_u64(result, "ops", ops);
	result_real(result, "cpu_us_per_op", cost->server_cpu_s * 1e6 / n);
	result_real(result, "wall_s", cost->wall_s);
	result_real(result, "ops_per_s", n / cost->wall_s);
	result_real(result, "server_busy", cost->server_cpu_s / cost->wall_s);
	result_real(result, "generator_busy", cost->own_cpu_s / cost->wall_s);
}

void result_latency(struct result *result, const struct hist *hist)
{
	static const struct {
		const char *name;
		double share;
	} points[] = {
		{ "p50_us", .5 }, { "p90_us", .9 }, { "p99_us", .99 }, { "p999_us", .999 }
	};

	for (size_t i = 0; i < array_len(points); i++)
		result_real(result, points[i].name,
			    (double)hist_quantile(hist, points[i].share) / 1e3);
	result_real(result, "max_us", (double)hist->max / 1e3);
	result_real(result, "mean_us", hist_mean(hist) / 1e3);
}

void result_tally(struct result *result, const struct tally *tally)
{
	uint64_t lost = tally->sent - tally->received;

	result_u64(result, "sent", tally->sent);
	result_u64(result, "received", tally->received);
	result_u64(result, "lost", lost);
	result_u64(result, "duplicate", tally->duplicate);
	result_u64(result, "reordered", tally->reordered);
	result_u64(result, "misrouted", tally->misrouted);
	result_u64(result, "corrupted", tally->corrupted);
	result_u64(result, "bounced", tally->bounced);
}

int result_end(struct result *result, const struct load *load, bool is_clean)
{
	bool is_ok = is_clean && load->broken == 0;

	result_u64(result, "broken", load->broken);
	fprintf(result->stream, ",\"ok\":%s}", is_ok ? "true" : "false");
	fclose(result->stream);
	puts(result->text);
	FILE *out = load->opt.out ? fopen(load->opt.out, "ae") : NULL;
	if (out) {
		fprintf(out, "%s\n", result->text);
		fclose(out);
	}
	if (!is_ok)
		fprintf(stderr, "load: CHECK FAILED: %s\n", result->text);
	free(result->text);
	return is_ok ? 0 : 1;
}
