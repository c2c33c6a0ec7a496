#include "core/place.h"

#include "core/shard_state.h"
#include "store/store.h"

unsigned place_shard(struct jid jid)
{
	unsigned shards = shard_count();

	return shards == 1 ? 0 : store_bucket(core_store(), jid_bare(jid)) % shards;
}
