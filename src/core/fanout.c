#include "core/fanout.h"

#include "base/block.h"
#include "base/check.h"
#include "core/domain.h"
#include "core/place.h"
#include "core/presence.h"
#include "core/roster.h"
#include "core/router.h"
#include "core/shard_state.h"
#include "core/sight.h"
#include "xml/build.h"

enum { FANOUT_MAIL_BYTES = 2048 };

/* What one shard gets; when it is full another one is begun. */
struct fanout_mail {
	struct mail mail;
	struct gate_output output; /* while it waits for the sender's commit */
	struct fanout_mail *next;
	struct stanza *stanza; /* a reference */
	unsigned shard;
	uint16_t used;
	char targets[]; /* 1 byte what, 2 bytes length, the bare JID; again and again */
};

void fanout_start(struct fanout *fanout, struct user *user, const struct stanza *stanza)
{
	*fanout = (struct fanout){ .user = user, .stanza = stanza };
}

static struct fanout_mail *fanout_mail_for(struct fanout *fanout, unsigned shard, size_t need)
{
	struct fanout_mail *mail = fanout->mails;

	while (mail != NULL && (mail->shard != shard || mail->used + need > FANOUT_MAIL_BYTES))
		mail = mail->next;
	if (mail != NULL)
		return mail;
	mail = block_alloc(sizeof(*mail) + FANOUT_MAIL_BYTES + need);
	*mail = (struct fanout_mail){ .next = fanout->mails,
				      .stanza = stanza_ref(fanout->stanza),
				      .shard = shard };
	fanout->mails = mail;
	return mail;
}

void fanout_add(struct fanout *fanout, struct bytes bare, unsigned what)
{
	struct jid target = jid_from_normal(bare);
	struct fanout_mail *mail;
	char *at;

	if (target.local_len == 0 || domain_find(jid_domain(target)) == NULL)
		return;
	mail = fanout_mail_for(fanout, place_shard(target), 3 + bare.len);
	at = mail->targets + mail->used;
	at[0] = (char)what;
	at[1] = (char)(bare.len & 0xff);
	at[2] = (char)(bare.len >> 8);
	memcpy(at + 3, bare.ptr, bare.len);
	mail->used = (uint16_t)(mail->used + 3 + bare.len);
}

/* What the target's sessions show, to the one session that asked (section 4.3.2). */
static void fanout_answer_probe(struct user *user, struct jid asker)
{
	struct session *session = NULL;

	if (sight_is_hidden(user, asker.full))
		return;
	if (!subscription_has_from(roster_state(user, jid_bare(asker)))) {
		presence_refuse_probe(user, asker);
		return;
	}
	while ((session = user_session_next(user, session)) != NULL)
		if (session_is_available(session))
			presence_post_as(user, session->presence, asker);
}

static void fanout_reach(const struct stanza *stanza, struct bytes bare, unsigned what)
{
	struct user *user = user_find(bare);

	if (user == NULL || user->session_count == 0)
		return;
	user->pins++;
	if ((what & FANOUT_PRESENCE) != 0)
		presence_deliver_as(user, stanza, user->jid);
	if ((what & FANOUT_PROBE) != 0 && user_is_ready(user))
		fanout_answer_probe(user, jid_from_normal(stanza->from));
	user->pins--;
	user_release(user);
}

static void fanout_arrived(struct mail *mail)
{
	struct fanout_mail *fan = container_of(mail, struct fanout_mail, mail);

	for (size_t at = 0; at < fan->used;) {
		const char *p = fan->targets + at;
		size_t len = (uint8_t)p[1] | (size_t)(uint8_t)p[2] << 8;
		fanout_reach(fan->stanza, bytes_make(p + 3, len), (unsigned)p[0]);
		at += 3 + len;
	}
	stanza_unref(&fan->stanza);
	block_free(fan);
}

static void fanout_leave(struct gate_output *output, int status)
{
	struct fanout_mail *fan = container_of(output, struct fanout_mail, output);

	/*
	 * That somebody is gone is true whatever became of the commit. Who may see a user who is
	 * there is known again when the account is.
	 */
	if (status < 0 && !bytes_is(fan->stanza->type, "unavailable")) {
		presence_not_heard(jid_from_normal(fan->stanza->from));
		stanza_unref(&fan->stanza);
		block_free(fan);
		return;
	}
	fan->mail = (struct mail){ .name = "fanout",
				   .deliver = fanout_arrived,
				   .bytes = fan->stanza->size_bytes + FANOUT_MAIL_BYTES };
	mailbox_post(fan->shard, &fan->mail);
}

void fanout_send(struct fanout *fanout)
{
	while (fanout->mails != NULL) {
		struct fanout_mail *fan = fanout->mails;
		fanout->mails = fan->next;
		fan->output.leave = fanout_leave;
		gate_pass(&fanout->user->gate, &fan->output);
	}
}
