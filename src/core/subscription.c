#include "core/subscription.h"

#include "base/check.h"

static const struct {
	const char *word;
	bool is_asking;
	bool is_listed;
} states[SUBSCRIPTIONS] = {
#define STATE(name, word, ask, listed) [SUBSCRIPTION_##name] = { word, ask, listed },
#include "core/subscription.def"
#undef STATE
};

static const struct subscription_move moves[2][SUBSCRIPTION_STANZAS][SUBSCRIPTIONS] = {
#define MOVE(line, stanza, old, new, pass)                                               \
	[SUBSCRIPTION_LINE_##line][SUBSCRIPTION_STANZA_##stanza][SUBSCRIPTION_##old] = { \
		SUBSCRIPTION_##new, SUBSCRIPTION_##pass                                  \
	},
#include "core/subscription.def"
#undef MOVE
};

struct subscription_move subscription_move(enum subscription_line line,
					   enum subscription_stanza stanza,
					   enum subscription old)
{
	check(stanza < SUBSCRIPTION_STANZAS && old < SUBSCRIPTIONS);
	return moves[line][stanza][old];
}

bool subscription_stanza_of(struct bytes type, enum subscription_stanza *ret_stanza)
{
	static const char *const words[SUBSCRIPTION_STANZAS] = { "subscribe", "unsubscribe",
								 "subscribed", "unsubscribed" };

	for (int i = 0; i < SUBSCRIPTION_STANZAS; i++) {
		if (bytes_is(type, words[i])) {
			*ret_stanza = (enum subscription_stanza)i;
			return true;
		}
	}
	return false;
}

const char *subscription_word(enum subscription state)
{
	return states[state].word;
}

bool subscription_is_asking(enum subscription state)
{
	return states[state].is_asking;
}

bool subscription_is_listed(enum subscription state)
{
	return states[state].is_listed;
}

bool subscription_has_to(enum subscription state)
{
	return state == SUBSCRIPTION_TO || state == SUBSCRIPTION_TO_IN ||
	       state == SUBSCRIPTION_BOTH;
}

bool subscription_has_from(enum subscription state)
{
	return state == SUBSCRIPTION_FROM || state == SUBSCRIPTION_FROM_OUT ||
	       state == SUBSCRIPTION_BOTH;
}

bool subscription_has_request(enum subscription state)
{
	return state == SUBSCRIPTION_NONE_IN || state == SUBSCRIPTION_NONE_OUT_IN ||
	       state == SUBSCRIPTION_TO_IN;
}
