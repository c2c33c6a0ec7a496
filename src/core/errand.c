#include "core/errand.h"

#include "base/check.h"
#include "io/shard.h"

static void errand_arrived(struct mail *mail)
{
	struct errand *errand = container_of(mail, struct errand, mail);

	errand->run(errand);
}

static void errand_came_back(struct mail *mail)
{
	struct errand *errand = container_of(mail, struct errand, mail);

	errand->back(errand);
}

void errand_init(struct errand *errand, const char *name, void (*run)(struct errand *),
		 void (*back)(struct errand *))
{
	*errand = (struct errand){ .mail.name = name, .run = run, .back = back };
}

void errand_send(struct errand *errand, unsigned shard)
{
	errand->origin = shard_id();
	errand->mail.deliver = errand_arrived;
	mailbox_post(shard, &errand->mail);
}

void errand_return(struct errand *errand)
{
	errand->mail.deliver = errand_came_back;
	mailbox_post(errand->origin, &errand->mail);
}
