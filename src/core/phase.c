#include "core/phase.h"

#include <errno.h>

#include "base/check.h"
#include "core/domain.h"
#include "core/registry.h"
#include "core/service.h"

enum { KINDS = 3, LINES = 2 };

/* The features that have something to do in one place, by registry index. */
struct roll {
	uint8_t count;
	uint8_t index[REGISTRY_MAX];
};

static struct roll checks[KINDS][LINES];
static struct roll stamps[KINDS][LINES];
static struct roll records[KINDS][LINES];
static struct roll copies, keeps, bounds, gones, presences, loadeds, deleteds, cards, streams;
static struct roll offers;
static struct roll answers[QUESTIONS];
static const struct claims *rewriter, *holder, *counter, *teller;
static unsigned rewriter_index, holder_index, counter_index, teller_index;

#define roll_for_each(i, roll)                                                             \
	for (unsigned at_ = 0, i; at_ < (roll)->count && ((i) = (roll)->index[at_], true); \
	     at_++)

static void roll_add(struct roll *roll, bool is_in, unsigned index)
{
	if (is_in)
		roll->index[roll->count++] = (uint8_t)index;
}

static const struct line_phases *phases_of(const struct feature *feature, int kind, int line)
{
	const struct stanza_phases *phases = kind == STANZA_MESSAGE    ? &feature->message
					     : kind == STANZA_PRESENCE ? &feature->presence
								       : &feature->iq_stanza;

	return line == LINE_SENT ? &phases->sent : &phases->received;
}

static void phase_enrol(const struct feature *feature, unsigned i)
{
	for (int kind = 0; kind < KINDS; kind++) {
		for (int line = 0; line < LINES; line++) {
			const struct line_phases *p = phases_of(feature, kind, line);
			roll_add(&checks[kind][line], p->check != NULL, i);
			roll_add(&stamps[kind][line], p->stamp != NULL, i);
			roll_add(&records[kind][line], p->record != NULL, i);
		}
	}
	for (int q = 0; q < QUESTIONS; q++)
		roll_add(&answers[q], feature->answer[q] != NULL, i);
	roll_add(&copies, feature->copy != NULL, i);
	roll_add(&keeps, feature->keep != NULL, i);
	roll_add(&bounds, feature->session_bound != NULL, i);
	roll_add(&gones, feature->session_gone != NULL, i);
	roll_add(&presences, feature->session_presence != NULL, i);
	roll_add(&loadeds, feature->user_loaded != NULL, i);
	roll_add(&deleteds, feature->user_deleted != NULL, i);
	roll_add(&cards, feature->user_card != NULL, i);
	roll_add(&streams, feature->stream_features != NULL, i);
	roll_add(&offers, feature->preauth_features != NULL, i);
}

static int claim_one(const char *what, bool is_claimed, const struct claims **slot,
		     unsigned *slot_index, unsigned index, struct err *ret_err)
{
	if (!is_claimed)
		return 0;
	if (*slot != NULL)
		return err_set(ret_err, -EEXIST, "features %s and %s both claim %s",
			       registry_at(*slot_index)->name, registry_at(index)->name, what);
	*slot = &registry_at(index)->claims;
	*slot_index = index;
	return 0;
}

static int phase_claim(unsigned i, struct err *ret_err)
{
	const struct claims *claims = &registry_at(i)->claims;
	int rc = claim_one("rewrite", claims->rewrite != NULL, &rewriter, &rewriter_index, i,
			   ret_err);

	if (rc == 0)
		rc = claim_one("wire hold", claims->wire_hold != NULL, &holder, &holder_index,
			       i, ret_err);
	if (rc == 0)
		rc = claim_one("wire count", claims->wire_count != NULL, &counter,
			       &counter_index, i, ret_err);
	if (rc == 0)
		rc = claim_one("supports", claims->supports != NULL, &teller, &teller_index, i,
			       ret_err);
	return rc;
}

static void phase_forget(void)
{
	memset(checks, 0, sizeof(checks));
	memset(stamps, 0, sizeof(stamps));
	memset(records, 0, sizeof(records));
	memset(answers, 0, sizeof(answers));
	copies.count = keeps.count = bounds.count = gones.count = presences.count = 0;
	loadeds.count = deleteds.count = cards.count = streams.count = 0;
	offers.count = 0;
	rewriter = holder = counter = teller = NULL;
}

int phase_build(struct err *ret_err)
{
	phase_forget();
	for (unsigned i = 0; i < registry_count(); i++) {
		int rc = phase_claim(i, ret_err);
		if (rc < 0)
			return rc;
		phase_enrol(registry_at(i), i);
	}
	return 0;
}

/* Fisher-Yates by a small generator: only the tests call it. */
static void roll_shuffle(struct roll *roll, uint64_t *state)
{
	for (unsigned i = roll->count; i > 1; i--) {
		*state = *state * 6364136223846793005ull + 1442695040888963407ull;
		unsigned j = (unsigned)((*state >> 33) % i);
		uint8_t swap = roll->index[i - 1];
		roll->index[i - 1] = roll->index[j];
		roll->index[j] = swap;
	}
}

void phase_shuffle(uint64_t seed)
{
	struct roll *singles[] = { &copies,  &keeps,	&bounds, &gones,  &presences,
				   &loadeds, &deleteds, &cards,	 &streams };
	struct roll *tables[] = { &checks[0][0], &stamps[0][0], &records[0][0] };

	check(phase_build(NULL) == 0); /* whatever the order was before */
	if (seed == 0)
		return;
	for (size_t i = 0; i < array_len(singles); i++)
		roll_shuffle(singles[i], &seed);
	for (size_t t = 0; t < array_len(tables); t++)
		for (int i = 0; i < KINDS * LINES; i++)
			roll_shuffle(&tables[t][i], &seed);
}

static int verdict_rank(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_FAIL:
		return 4;
	case VERDICT_DROP:
		return 3;
	case VERDICT_DONE:
		return 2;
	case VERDICT_LATER:
		return 1;
	case VERDICT_PASS:
		break;
	}
	return 0;
}

/* The tie between two FAILs is broken by the condition's number, so that no order shows. */
static bool verdict_is_worse(struct verdict a, struct verdict b)
{
	if (a.kind != b.kind)
		return verdict_rank(a.kind) > verdict_rank(b.kind);
	return a.kind == VERDICT_FAIL && a.condition < b.condition;
}

struct verdict phase_check(const struct passage *passage)
{
	struct verdict worst = verdict_pass();
	int kind = (int)passage->stanza->kind;

	roll_for_each(i, &checks[kind][passage->line])
	{
		const struct line_phases *p =
			phases_of(registry_at(i), kind, (int)passage->line);
		if (!domain_feature_is_on(passage->domain, i))
			continue;
		struct verdict verdict = (p->check)(passage);
		if (verdict_is_worse(verdict, worst))
			worst = verdict;
	}
	return worst;
}

static struct verdict phase_rewrite(struct passage *passage, struct stanza_edit *edit)
{
	if (rewriter == NULL || passage->line != LINE_SENT ||
	    passage->stanza->kind != STANZA_MESSAGE ||
	    !domain_feature_is_on(passage->domain, rewriter_index))
		return verdict_pass();
	return rewriter->rewrite(passage, edit);
}

struct verdict phase_edit(struct passage *passage, struct stanza **stanza)
{
	int kind = (int)passage->stanza->kind;
	const struct roll *roll = &stamps[kind][passage->line];
	struct stanza_edit edit;
	struct verdict verdict;

	if (roll->count == 0 && rewriter == NULL)
		return verdict_pass();
	stanza_edit_init(&edit, *stanza, scratch());
	verdict = phase_rewrite(passage, &edit);
	if (verdict.kind == VERDICT_PASS) {
		roll_for_each(i, roll)
		{
			if (domain_feature_is_on(passage->domain, i))
				phases_of(registry_at(i), kind, (int)passage->line)
					->stamp(passage, &edit);
		}
		struct stanza *edited = stanza_edit_seal(&edit);
		stanza_unref(stanza);
		*stanza = edited;
		passage->stanza = edited;
		if (!bytes_is_none(edited->to))
			passage->to = jid_from_normal(edited->to);
		if (passage->line == LINE_RECEIVED)
			passage->from = jid_from_normal(edited->from);
	}
	return verdict;
}

void phase_record(const struct passage *passage)
{
	int kind = (int)passage->stanza->kind;

	roll_for_each(i, &records[kind][passage->line])
	{
		if (domain_feature_is_on(passage->domain, i))
			phases_of(registry_at(i), kind, (int)passage->line)->record(passage);
	}
}

bool phase_keep(const struct passage *passage)
{
	bool is_kept = false;

	roll_for_each(i, &keeps)
	{
		if (domain_feature_is_on(passage->domain, i))
			is_kept |= registry_at(i)->keep(passage);
	}
	return is_kept;
}

bool phase_answer(enum question question, const struct passage *passage)
{
	bool is_yes = false;

	roll_for_each(i, &answers[question])
	{
		if (domain_feature_is_on(passage->domain, i))
			is_yes |= registry_at(i)->answer[question](passage);
	}
	return is_yes;
}

bool phase_has_copy(void)
{
	return copies.count != 0;
}

enum copy phase_copy(const struct passage *passage, const struct session *session)
{
	enum copy strongest = COPY_NONE;

	roll_for_each(i, &copies)
	{
		if (!domain_feature_is_on(passage->domain, i))
			continue;
		enum copy copy = registry_at(i)->copy(passage, session);
		if (copy > strongest)
			strongest = copy;
	}
	return strongest;
}

bool phase_wire_hold(struct session *session, const struct stanza *stanza, struct bytes head)
{
	return holder != NULL &&
	       domain_feature_is_on(user_domain(session_user(session)), holder_index) &&
	       holder->wire_hold(session, stanza, head);
}

void phase_wire_count(struct session *session, const struct stanza *stanza, struct bytes head)
{
	if (counter != NULL &&
	    domain_feature_is_on(user_domain(session_user(session)), counter_index))
		counter->wire_count(session, stanza, head);
}

void phase_session_bound(struct session *session)
{
	roll_for_each(i, &bounds)
	{
		if (domain_feature_is_on(user_domain(session_user(session)), i))
			registry_at(i)->session_bound(session);
	}
}

/* Also of a feature that was switched off meanwhile: it may have to let go of something. */
void phase_session_gone(struct session *session)
{
	roll_for_each(i, &gones) registry_at(i)->session_gone(session);
}

void phase_session_presence(struct session *session, const struct stanza *presence)
{
	roll_for_each(i, &presences)
	{
		if (domain_feature_is_on(user_domain(session_user(session)), i))
			registry_at(i)->session_presence(session, presence);
	}
}

void phase_user_loaded(struct user *user)
{
	roll_for_each(i, &loadeds)
	{
		if (domain_feature_is_on(user_domain(user), i))
			registry_at(i)->user_loaded(user);
	}
}

/* Also of a feature that is off: what it stored is gone. */
void phase_user_deleted(const struct domain *domain, struct jid bare)
{
	roll_for_each(i, &deleteds) registry_at(i)->user_deleted(domain, bare);
}

bool service_supports(const struct session *session, struct bytes ns)
{
	return teller != NULL &&
	       domain_feature_is_on(user_domain(session_user(session)), teller_index) &&
	       teller->supports(session, ns);
}

void service_card_set(struct user *user, const struct xnode *card, struct store_batch *batch)
{
	roll_for_each(i, &cards)
	{
		if (domain_feature_is_on(user_domain(user), i))
			registry_at(i)->user_card(user, card, batch);
	}
}

void phase_preauth_features(const struct domain *domain, struct buf *out)
{
	roll_for_each(i, &offers)
	{
		if (domain_feature_is_on(domain, i))
			registry_at(i)->preauth_features(domain, out);
	}
}

void phase_stream_features(const struct domain *domain, struct buf *out)
{
	roll_for_each(i, &streams)
	{
		if (domain_feature_is_on(domain, i))
			registry_at(i)->stream_features(domain, out);
	}
}
