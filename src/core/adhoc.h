/*
 * Ad-hoc commands (XEP-0050): what a feature lists in .commands can be run by local people on
 * the server's address. A command is a list of forms, its stages, and a function that is called
 * with all of them filled in and checked; the framework goes to and fro between the stages,
 * checks who may at every one, and forgets what was left unfinished. Everything happens at the
 * asker's home.
 *
 * 	static void kick(struct adhoc *run)
 * 	{
 * 		struct bytes jid = form_value(adhoc_form(run, 0), "accountjid");
 * 		… then, now or later, on this shard:
 * 		adhoc_complete(&run, BYTES_NONE);
 * 	}
 */
#ifndef CORE_ADHOC_H
#define CORE_ADHOC_H

#include "core/feature.h"
#include "xmpp/form.h"

enum {
	ADHOC_STAGES_MAX = 4,
	ADHOC_RUNS_MAX = 4,	  /* unfinished, of one session; the oldest goes */
	ADHOC_EXPIRE_S = 900,	  /* after so long without a request */
	ADHOC_STAGE_BYTES = 65536 /* of a submitted stage, as kept */
};

enum adhoc_who {
	ADHOC_EVERYBODY,      /* with an account of this domain */
	ADHOC_ADMINISTRATORS, /* of this domain */
};

struct adhoc; /* a command that is being carried out */

struct adhoc_command {
	const char *node;
	enum text name;
	enum adhoc_who who;
	/* The stages; NULL at the end. Not set: the command runs at once. */
	const struct form_spec *stages[ADHOC_STAGES_MAX];
	/* Ends with adhoc_complete or adhoc_fail, exactly once, now or later on this shard. */
	void (*run)(struct adhoc *run);
	/* Is it there at all? NULL: yes. */
	bool (*is_offered)(const struct domain *domain);
};

/* What run() may ask; all live as long as the run. */
struct jid adhoc_asker(const struct adhoc *run); /* bare */
const struct domain *adhoc_domain(const struct adhoc *run);
enum text_lang adhoc_lang(const struct adhoc *run);
struct arena *adhoc_arena(struct adhoc *run);
/* A submitted and checked stage. */
const struct form *adhoc_form(const struct adhoc *run, unsigned stage);
/* The asker's account; only inside run(), before anything was waited for. */
struct user *adhoc_user(const struct adhoc *run);

/* The end: payload is XML for <command status='completed'/>, or NONE. Frees the run. */
void adhoc_complete(struct adhoc **run, struct bytes payload);
/* The same with the payload of a writer; fails if it overflowed. Ends the buf. */
void adhoc_complete_buf(struct adhoc **run, struct buf *payload);
/* The end: a stanza error. */
void adhoc_fail(struct adhoc **run, enum stanza_condition condition, enum text text);

/* For the feature that speaks XEP-0050: */
extern struct slot adhoc_slot;
struct verdict adhoc_request(struct iq *iq);
/* The nodes of section 2.2, for .node. */
struct verdict adhoc_disco(struct iq *iq, struct bytes node, struct xml_writer *writer);

#endif
