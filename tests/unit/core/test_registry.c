/* The registry, the phases flattened from it, and the slots that it numbers. */
#include "unit.h"

#include "core/domain.h"
#include "core/phase.h"
#include "core/registry.h"
#include "core/session.h"
#include "core/slots.h"
#include "xml/build.h"

static struct verdict say_fail(const struct passage *passage)
{
	(void)passage;
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

static struct verdict say_fail_otherwise(const struct passage *passage)
{
	(void)passage;
	return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_NONE);
}

static struct verdict say_drop(const struct passage *passage)
{
	(void)passage;
	return verdict_drop();
}

static struct verdict say_done(const struct passage *passage)
{
	(void)passage;
	return verdict_done();
}

static bool yes(const struct passage *passage)
{
	(void)passage;
	return true;
}

static bool no(const struct passage *passage)
{
	(void)passage;
	return false;
}

static enum copy copy_plain(const struct passage *passage, const struct session *session)
{
	(void)passage;
	(void)session;
	return COPY_PLAIN;
}

static enum copy copy_wrapped(const struct passage *passage, const struct session *session)
{
	(void)passage;
	(void)session;
	return COPY_WRAPPED_SENT;
}

static unsigned fini_calls;

static void state_fini(void *state)
{
	fini_calls += *(unsigned *)state;
}

static struct slot small = { .of = SLOT_USER, .size = 4, .is_lost = true, .fini = state_fini };
static struct slot large = { .of = SLOT_USER, .size = 4000, .is_lost = true };
static struct slot of_session = { .of = SLOT_SESSION, .size = 8, .is_lost = true };

#define FEATURE(variable, name_, ...)                                          \
	static const struct feature variable = { FEATURE_ABI, .name = (name_), \
						 .summary = "One of a test.", __VA_ARGS__ }

FEATURE(failing, "failing", .message.sent.check = say_fail, .keep = no, .copy = copy_plain,
	.slots = (struct slot *const[]){ &small, &of_session, NULL });
FEATURE(refusing, "refusing", .message.sent.check = say_fail_otherwise, .keep = yes,
	.copy = copy_wrapped, .slots = (struct slot *const[]){ &large, NULL });
FEATURE(dropping, "dropping", .message.sent.check = say_drop,
	.answer[QUESTION_PREAPPROVED] = yes);
FEATURE(finishing, "finishing", .message.sent.check = say_done);

static struct domain domain = { .features = { UINT64_MAX, UINT64_MAX } };

static int setup(void **state)
{
	(void)state;
	registry_reset();
	domain.features[0] = UINT64_MAX;
	fini_calls = 0;
	return 0;
}

static void add(const struct feature *feature)
{
	struct err err;

	assert_int_equal(registry_add(feature, &err), 0);
}

static void other_builds_are_refused(void **state)
{
	struct feature feature = failing;
	struct err err;

	(void)state;
	feature.abi = FEATURE_ABI_NUMBER + 1;
	assert_int_equal(registry_add(&feature, &err), -EPROTO);
	feature.abi = FEATURE_ABI_NUMBER;
	feature.size--;
	assert_int_equal(registry_add(&feature, &err), -EPROTO);
	assert_int_equal(registry_count(), 0);
}

static void names_are_unique_and_counted(void **state)
{
	static struct feature many[REGISTRY_MAX + 1];
	static char names[REGISTRY_MAX + 1][8];
	struct err err;

	(void)state;
	for (unsigned i = 0; i <= REGISTRY_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		many[i] = failing;
		many[i].name = names[i];
		assert_int_equal(registry_add(&many[i], &err), i < REGISTRY_MAX ? 0 : -E2BIG);
	}
	setup(NULL);
	add(&failing);
	assert_int_equal(registry_add(&failing, &err), -EEXIST);
	assert_string_equal(err.text, "two features are named \"failing\"");
	assert_int_equal(registry_index(&failing), 0);
	assert_int_equal(registry_index(&dropping), -1);
}

static struct passage sent_passage(struct stanza **ret_stanza)
{
	*ret_stanza = stanza_from_parts(
		STANZA_MESSAGE,
		&(struct stanza_head){ .to = BYTES_LIT("a@b"), .from = BYTES_LIT("c@d/e") },
		BYTES_NONE);
	return (struct passage){ .line = LINE_SENT, .stanza = *ret_stanza, .domain = &domain };
}

/* FAIL over DROP over DONE over PASS, two FAILs by their conditions, in whatever order. */
static void the_worst_verdict_wins(void **state)
{
	struct stanza *stanza;
	struct passage passage = sent_passage(&stanza);
	struct err err;

	(void)state;
	assert_int_equal(phase_build(&err), 0);
	assert_int_equal(phase_check(&passage).kind, VERDICT_PASS);
	add(&finishing);
	assert_int_equal(phase_build(&err), 0);
	assert_int_equal(phase_check(&passage).kind, VERDICT_DONE);
	add(&dropping);
	assert_int_equal(phase_build(&err), 0);
	assert_int_equal(phase_check(&passage).kind, VERDICT_DROP);
	add(&failing);
	add(&refusing);
	for (uint64_t seed = 0; seed < 20; seed++) {
		phase_shuffle(seed);
		assert_int_equal(phase_check(&passage).kind, VERDICT_FAIL);
		assert_int_equal(phase_check(&passage).condition, CONDITION_FORBIDDEN);
		assert_true(phase_keep(&passage));
		assert_true(phase_answer(QUESTION_PREAPPROVED, &passage));
		assert_int_equal(phase_copy(&passage, NULL), COPY_WRAPPED_SENT);
	}
	/* only their line and kind */
	passage.line = LINE_RECEIVED;
	assert_int_equal(phase_check(&passage).kind, VERDICT_PASS);
	stanza_unref(&stanza);
}

static void switched_off_is_not_asked(void **state)
{
	struct stanza *stanza;
	struct passage passage = sent_passage(&stanza);
	struct err err;

	(void)state;
	add(&failing);
	add(&refusing);
	assert_int_equal(phase_build(&err), 0);
	domain.features[0] = ~(1ull << registry_index(&failing));
	assert_int_equal(phase_check(&passage).condition, CONDITION_NOT_ALLOWED);
	domain.features[0] = ~(1ull << registry_index(&refusing));
	assert_int_equal(phase_check(&passage).condition, CONDITION_FORBIDDEN);
	assert_false(phase_keep(&passage));
	assert_int_equal(phase_copy(&passage, NULL), COPY_PLAIN);
	domain.features[0] = 0;
	assert_int_equal(phase_check(&passage).kind, VERDICT_PASS);
	assert_int_equal(phase_copy(&passage, NULL), COPY_NONE);
	stanza_unref(&stanza);
}

/* Seals once per process: declaring options is for good. */
static void slots_are_made_at_first_use(void **state)
{
	struct user user = { .magic = USER_MAGIC };
	struct session session = { .magic = SESSION_MAGIC, .user = &user };
	struct shards *shards;
	struct err err;
	unsigned *first;

	(void)state;
	assert_int_equal(shards_new(&(struct shards_config){ .count = 1 }, &shards), 0);
	shard_enter(shards->shards[0]);
	add(&failing);
	add(&refusing);
	assert_int_equal(registry_seal(&err), 0);
	assert_int_equal(registry_slot_count(SLOT_USER), 2);
	assert_int_equal(registry_slot_count(SLOT_SESSION), 1);
	assert_non_null(option_find(BYTES_LIT("features.failing")));
	assert_ptr_equal(registry_switch((unsigned)registry_index(&refusing)),
			 option_find(BYTES_LIT("features.refusing")));

	assert_null(slot_find(&small, &user));
	first = slot_get(&small, &user);
	assert_int_equal(*first, 0);
	*first = 7;
	assert_null(slot_find(&large, &user));
	memset(slot_get(&large, &user), 0xee, large.size);
	assert_ptr_equal(slot_get(&small, &user), first);
	assert_ptr_equal(slot_find(&small, &user), first);
	assert_null(slot_find(&of_session, &session));
	assert_non_null(slot_get(&of_session, &session));
	slots_free(SLOT_SESSION, &session.slots);
	assert_null(session.slots);
	assert_int_equal(fini_calls, 0);
	slots_free(SLOT_USER, &user.slots);
	assert_int_equal(fini_calls, 7);
	assert_null(slot_find(&small, &user));
	slots_free(SLOT_USER, &user.slots);
	shard_enter(NULL);
	shards_free(&shards);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(other_builds_are_refused, setup),
		cmocka_unit_test_setup(names_are_unique_and_counted, setup),
		cmocka_unit_test_setup(the_worst_verdict_wins, setup),
		cmocka_unit_test_setup(switched_off_is_not_asked, setup),
		cmocka_unit_test_setup(slots_are_made_at_first_use, setup),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	scratch_fini();
	return failed;
}
