/* From STARTTLS to success: RFC 6120 sections 5 and 6, and the way home. */
#include "base/block.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/shard.h"
#include "stream/admission.h"
#include "stream/inside.h"
#include "stream/local.h"

enum { LOGIN_ARENA_BYTES = 256 };

struct stream_lookup {
	struct stream *stream; /* NULL: it has gone */
};

/* --- life */

static void deadline_expired(struct timer *timer)
{
	struct login *login = container_of(timer, struct login, deadline);

	metric_add(&stream_metric_timeouts, 1);
	stream_step(login->stream, &(struct step){ .input = STREAM_INPUT_TIMEOUT });
}

static void start_lookup(struct stream *stream)
{
	struct login *login = stream->login;

	login->lookup = block_alloc(sizeof(*login->lookup));
	login->lookup->stream = stream;
	stream_host()->credentials(stream->domain, sasl_user(login->exchange), login->lookup);
}

static void delay_expired(struct timer *timer)
{
	start_lookup(container_of(timer, struct login, delay)->stream);
}

static int channel_binding(void *owner, enum sasl_binding binding, struct arena *arena,
			   struct bytes *ret_data)
{
	const struct stream *stream = owner;

	return stream->carrier->ops->channel_binding(stream->carrier, binding, arena, ret_data);
}

void login_new(struct stream *stream, uint64_t ticket)
{
	struct login *login = block_alloc_zeroed(sizeof(*login));

	login->stream = stream;
	login->ticket = ticket;
	login->sasl.secret = stream_secret();
	login->sasl.cost = VERIFIER_COST_DEFAULT;
	login->sasl.channel_binding = channel_binding;
	login->sasl.owner = stream;
	timer_init(&login->deadline, "stream.preauth", deadline_expired);
	timer_init(&login->delay, "stream.delay", delay_expired);
	arena_init(&login->arena, LOGIN_ARENA_BYTES);
	stream->login = login;
}

void login_free(struct stream *stream)
{
	struct login *login = stream->login;

	if (!login)
		return;
	stream->login = NULL;
	timer_disarm(&login->deadline);
	timer_disarm(&login->delay);
	if (login->lookup)
		login->lookup->stream = NULL;
	if (login->verification)
		verification_orphan(login->verification);
	if (login->ask)
		ask_orphan(login->ask);
	sasl_exchange_free(&login->exchange);
	admission_leave(&login->ticket);
	arena_fini(&login->arena);
	block_free(login);
}

/* --- STARTTLS (section 5) */

STEP_FUNCTION(starttls)
{
	struct carrier *carrier = stream->carrier;
	struct buf out;

	buf_init(&out, 0);
	if (carrier->ops->is_secure(carrier) || !carrier->ops->can_start_tls(carrier)) {
		/* Section 5.4.2.2: failure, then the end, without a stream error. */
		buf_append_cstr(&out, "<failure xmlns='" NS_TLS "'/>");
		stream_put(stream, &out);
		buf_fini(&out);
		stream_finish(stream, STREAM_END_ERROR);
		return;
	}
	buf_append_cstr(&out, "<proceed xmlns='" NS_TLS "'/>");
	stream_put(stream, &out);
	buf_fini(&out);
	stream_enter(stream, STREAM_SECURING);
	if (carrier->ops->start_tls(carrier, stream->domain) < 0)
		stream_finish(stream, STREAM_END_ERROR);
}

/* Section 5.4.3.3: everything learnt before is forgotten. */
STEP_FUNCTION(secured)
{
	sasl_exchange_free(&stream->login->exchange);
	stream->login->memory = BYTES_NONE;
	framer_reset(&stream->framer);
	stream->has_header = false;
	stream->domain = NULL;
	stream_enter(stream, STREAM_OPENING);
}

/* --- what is offered */

static bool is_listed(const struct settings *settings, enum sasl_mech mech)
{
	struct bytes name = bytes_of(sasl_mech_name(mech));
	size_t count;
	const struct bytes *list = settings_list(settings, &stream_opt_sasl_mechanisms, &count);

	if (sasl_mech_is_plus(mech))
		name.len -= strlen("-PLUS");
	for (size_t i = 0; i < count; i++) {
		if (bytes_equal(list[i], name))
			return true;
	}
	return false;
}

static uint32_t available_bindings(const struct stream *stream)
{
	uint32_t bindings = 0;
	struct bytes data;

	for (unsigned i = 0; i < SASL_BINDINGS; i++) {
		if (stream->carrier->ops->channel_binding(stream->carrier, (enum sasl_binding)i,
							  scratch(), &data) == 0)
			bindings |= SASL_BIT(i);
	}
	return bindings;
}

void login_offer(struct stream *stream, struct buf *out)
{
	const struct settings *settings = stream_settings(stream);
	struct sasl_context *sasl = &stream->login->sasl;
	struct sasl_terms terms = {
		.is_secure = stream_is_secure(stream),
		.is_insecure_allowed = !settings_bool(settings, &stream_opt_tls_required),
		.has_plain = true,
		.has_scram = { true, true, true },
		.bindings = available_bindings(stream),
	};
	uint32_t offer = sasl_offer(&terms);

	sasl->mechs = 0;
	for (unsigned i = 0; i < SASL_MECHS; i++) {
		if ((offer & SASL_BIT(i)) && is_listed(settings, (enum sasl_mech)i))
			sasl->mechs |= SASL_BIT(i);
	}
	sasl->bindings = terms.bindings;
	if (stream_host()->cost != NULL)
		sasl->cost = stream_host()->cost(stream->domain);
	sasl->domain = stream_host()->domain_name(stream->domain);
	if (sasl->mechs != 0)
		sasl_write_offer(out, sasl->mechs, sasl->bindings);
}

/* --- the exchange (section 6.4) */

static void put_sasl(struct stream *stream, const char *element, struct bytes base64)
{
	struct buf out;

	buf_init(&out, 0);
	buf_printf(&out, "<%s xmlns='" NS_SASL "'>", element);
	/* Section 6.4.6: empty data is written as "=". */
	if (!bytes_is_none(base64))
		buf_append(&out, base64.len > 0 ? base64 : BYTES_LIT("="));
	buf_printf(&out, "</%s>", element);
	stream_put(stream, &out);
	buf_fini(&out);
}

static void report(struct stream *stream, bool is_right)
{
	struct login *login = stream->login;
	struct jid user;

	if (!login->is_known)
		return;
	user = is_right ? login->user : sasl_user(login->exchange);
	stream_host()->auth_result(stream->domain, user,
				   stream->carrier->ops->network(stream->carrier), is_right);
	log_event(LOG_STREAM, LOG_DEBUG, is_right ? "auth.succeeded" : "auth.failed",
		  LOG_BYTES("user", jid_bare(user)), LOG_BYTES("peer", stream_peer(stream)));
}

static void login_fail(struct stream *stream, enum sasl_failure failure, enum text text)
{
	struct login *login = stream->login;
	struct buf out;

	metric_add(&stream_metric_auth_failed, 1);
	if (failure == SASL_FAILURE_NOT_AUTHORIZED)
		report(stream, false);
	sasl_exchange_free(&login->exchange);
	login->is_known = false;
	buf_init(&out, 0);
	sasl_write_failure(&out, failure, text, (enum text_lang)stream->lang);
	stream_put(stream, &out);
	buf_fini(&out);
	if (++login->attempts < STREAM_AUTH_ATTEMPTS)
		stream_enter(stream, STREAM_FEATURES);
	else
		stream_fault(stream, STREAM_CONDITION_POLICY_VIOLATION,
			     TEXT_STREAM_AUTH_ATTEMPTS);
}

/* On the user's home: the client may know now, and begins a stream anew (section 6.4.6). */
static void welcome(struct stream *stream)
{
	stream->domain = stream_host()->domain(jid_domain(stream->login->user));
	if (!stream->domain) {
		stream_fault(stream, STREAM_CONDITION_HOST_GONE, TEXT_NONE);
		return;
	}
	stream->stanza_limit =
		(uint32_t)settings_int(stream_settings(stream), &stream_opt_stanza_bytes);
	framer_reset(&stream->framer);
	framer_set_limits(&stream->framer, stream->stanza_limit, STREAM_DEPTH_MAX);
	put_sasl(stream, "success", stream->login->success);
	stream->has_header = false;
	stream_enter(stream, STREAM_REOPENING);
}

static void go_home(struct stream *stream, unsigned home)
{
	timer_disarm(&stream->login->deadline);
	stream_enter(stream, STREAM_MOVING);
	stream_leave_shard(stream);
	stream->carrier->ops->move(stream->carrier, home);
}

STEP_FUNCTION(moved)
{
	stream_join_shard(stream);
	timer_arm_at(&shard_self()->wheel, &stream->login->deadline,
		     stream->login->deadline.at_ms);
	if (stream_local_is_shut())
		stream_shut_down(stream);
	else
		welcome(stream);
}

static void login_succeed(struct stream *stream, struct bytes data)
{
	struct login *login = stream->login;
	unsigned home;

	metric_add(&stream_metric_auth_ok, 1);
	login->user = jid_copy(&login->arena, sasl_user(login->exchange));
	login->success = bytes_is_none(data) ? data : base64_encode(&login->arena, data);
	report(stream, true);
	sasl_exchange_free(&login->exchange);
	home = stream_host()->home(login->user);
	if (home == shard_id())
		welcome(stream);
	else
		go_home(stream, home);
}

/* Failures of this address or account before make everybody's next attempt slower. */
static void look_up(struct stream *stream)
{
	struct login *login = stream->login;
	uint32_t delay_ms;

	login->is_known = true;
	stream_enter(stream, STREAM_SASL_WAIT);
	delay_ms = stream_host()->auth_delay_ms(stream->domain, sasl_user(login->exchange),
						stream->carrier->ops->network(stream->carrier));
	if (delay_ms > 0)
		shard_arm(&login->delay, delay_ms);
	else
		start_lookup(stream);
}

void login_continue(struct stream *stream, struct sasl_step step)
{
	switch (step.outcome) {
	case SASL_CHALLENGE:
		put_sasl(stream, "challenge", base64_encode(scratch(), step.data));
		stream_enter(stream, STREAM_SASL);
		break;
	case SASL_CREDENTIALS:
		look_up(stream);
		break;
	case SASL_SUCCESS:
		login_succeed(stream, step.data);
		break;
	case SASL_FAILED:
		login_fail(stream, step.failure, step.text);
		break;
	case SASL_VERIFY:
		check(step.outcome != SASL_VERIFY); /* only an answer to credentials */
		break;
	}
}

/* Base64 of an element's text; empty is NONE, "=" is empty (section 6.4.2). 0 or -EINVAL. */
static int read_data(const struct stanza *stanza, struct bytes *ret_data)
{
	struct bytes text = bytes_trim(xnode_text(stanza_root(stanza), scratch()));

	if (text.len == 0) {
		*ret_data = BYTES_NONE;
		return 0;
	}
	if (bytes_is(text, "=")) {
		*ret_data = BYTES_LIT("");
		return 0;
	}
	return base64_decode(scratch(), text, ret_data);
}

/* Sections 6.5.4 and 6.5.7. */
static enum sasl_failure refusal(const struct stream *stream)
{
	return stream->login->sasl.mechs == 0 && !stream_is_secure(stream)
		       ? SASL_FAILURE_ENCRYPTION_REQUIRED
		       : SASL_FAILURE_INVALID_MECHANISM;
}

STEP_FUNCTION(auth)
{
	struct login *login = stream->login;
	enum sasl_mech mech;
	struct bytes data;

	sasl_exchange_free(&login->exchange);
	login->is_known = false;
	if (sasl_mech_find(xnode_attr(stanza_root(step->stanza), "mechanism"), &mech) < 0 ||
	    !(login->sasl.mechs & SASL_BIT(mech))) {
		login_fail(stream, refusal(stream), TEXT_NONE);
		return;
	}
	if (read_data(step->stanza, &data) < 0) {
		login_fail(stream, SASL_FAILURE_INCORRECT_ENCODING, TEXT_NONE);
		return;
	}
	login->exchange = sasl_exchange_new(&login->sasl, mech);
	login_continue(stream, sasl_start(login->exchange, data));
}

STEP_FUNCTION(respond)
{
	struct login *login = stream->login;
	struct bytes data;

	if (!login->exchange)
		login_fail(stream, SASL_FAILURE_MALFORMED_REQUEST, TEXT_NONE);
	else if (read_data(step->stanza, &data) < 0)
		login_fail(stream, SASL_FAILURE_INCORRECT_ENCODING, TEXT_NONE);
	else
		login_continue(stream,
			       sasl_response(login->exchange,
					     bytes_is_none(data) ? BYTES_LIT("") : data));
}

STEP_FUNCTION(abort)
{
	login_fail(stream, SASL_FAILURE_ABORTED, TEXT_NONE);
}

/* --- answers of the host */

/* The stream that waits for this lookup, or NULL. */
static struct stream *take_lookup(struct stream_lookup *lookup)
{
	struct stream *stream = lookup->stream;

	if (stream) {
		check(stream->state == STREAM_SASL_WAIT && stream->login->lookup == lookup);
		stream->login->lookup = NULL;
	}
	block_free(lookup);
	return stream;
}

void stream_credentials_found(struct stream_lookup *lookup,
			      const struct verifier_list *verifiers)
{
	struct stream *stream = take_lookup(lookup);
	struct sasl_step step;

	if (!stream)
		return;
	step = sasl_credentials(stream->login->exchange, verifiers);
	if (step.outcome != SASL_VERIFY)
		login_continue(stream, step);
	else if (verification_start(stream->login, verifiers) < 0)
		login_fail(stream, SASL_FAILURE_TEMPORARY_AUTH_FAILURE, TEXT_NONE);
}

void stream_credentials_failed(struct stream_lookup *lookup)
{
	struct stream *stream = take_lookup(lookup);

	if (stream)
		login_continue(stream, sasl_credentials_failed(stream->login->exchange));
}
