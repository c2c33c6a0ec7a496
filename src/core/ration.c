#include "core/ration.h"

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "core/errand.h"
#include "core/shard_state.h"

/* What one asker has had in the period that began at since_ms. */
struct ration_entry {
	struct list by_age;
	uint64_t since_ms;
	uint32_t count;
	uint16_t key_len;
	char key[];
};

struct ration_request {
	struct errand errand;
	uint32_t limit;
	uint32_t period_s;
	bool is_granted;
	ration_fn *done;
	void *context;
	uint16_t key_len;
	char key[];
};

static void entry_forget(struct ration_entry *entry)
{
	check(entry != NULL);
	table_del(&core_shard()->rations, bytes_make(entry->key, entry->key_len));
	list_del(&entry->by_age);
	block_free(entry);
}

static struct ration_entry *entry_make(struct bytes key)
{
	struct core_shard *core = core_shard();
	struct ration_entry *entry;

	if (table_count(&core->rations) >= RATION_ENTRIES)
		entry_forget(list_first(&core->rations_by_age, struct ration_entry, by_age));
	entry = block_alloc_zeroed(sizeof(*entry) + key.len);
	entry->key_len = (uint16_t)key.len;
	memcpy(entry->key, key.ptr, key.len);
	entry->since_ms = clock_ms();
	list_init(&entry->by_age);
	list_add_tail(&core->rations_by_age, &entry->by_age);
	table_put(&core->rations, bytes_make(entry->key, key.len), entry);
	return entry;
}

static void request_run(struct errand *errand)
{
	struct ration_request *request = container_of(errand, struct ration_request, errand);
	struct bytes key = bytes_make(request->key, request->key_len);
	struct ration_entry *entry = table_find(&core_shard()->rations, key);

	if (entry != NULL && clock_ms() - entry->since_ms >= request->period_s * 1000ull) {
		entry_forget(entry);
		entry = NULL;
	}
	if (entry == NULL)
		entry = entry_make(key);
	request->is_granted = request->limit == 0 || entry->count < request->limit;
	entry->count += request->is_granted;
	errand_return(errand);
}

static void request_back(struct errand *errand)
{
	struct ration_request *request = container_of(errand, struct ration_request, errand);

	request->done(request->is_granted, request->context);
	block_free(request);
}

/* Any spread will do: a peer that aims at one shard burdens a table look-up. */
static unsigned shard_of(struct bytes who)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < who.len; i++)
		sum = sum * 31 + (uint8_t)who.ptr[i];
	return sum % shard_count();
}

void ration_take(struct bytes what, struct bytes who, uint32_t limit, uint32_t period_s,
		 ration_fn *done, void *context)
{
	struct ration_request *request =
		block_alloc_zeroed(sizeof(*request) + what.len + 1 + who.len);

	errand_init(&request->errand, "ration", request_run, request_back);
	request->limit = who.len == 0 ? 0 : limit;
	request->period_s = period_s;
	request->done = done;
	request->context = context;
	request->key_len = (uint16_t)(what.len + 1 + who.len);
	memcpy(request->key, what.ptr, what.len);
	if (who.len > 0)
		memcpy(request->key + what.len + 1, who.ptr, who.len);
	errand_send(&request->errand, shard_of(who));
}

void ration_fini(void)
{
	struct ration_entry *entry;

	while ((entry = list_first(&core_shard()->rations_by_age, struct ration_entry,
				   by_age)) != NULL)
		entry_forget(entry);
	table_fini(&core_shard()->rations);
}
