/* The declared stores of this process. Filled at boot, before any thread is started. */
#include "store/engine.h"

static struct store_decl *declared[STORE_MAX + 1];
static uint32_t declared_count;

void store_register(struct store_decl *decl)
{
	const struct store_decl *known = store_find(bytes_of(decl->name));

	if (known == decl)
		return;
	check(known == NULL);
	check(declared_count < STORE_MAX);
	check(decl->shape < STORE_SHAPES);
	decl->index = ++declared_count;
	declared[decl->index] = decl;
}

const struct store_decl *store_find(struct bytes name)
{
	for (uint32_t i = 1; i <= declared_count; i++) {
		if (bytes_is(name, declared[i]->name))
			return declared[i];
	}
	return NULL;
}

const struct store_decl *store_next(uint32_t *cursor)
{
	if (*cursor >= declared_count)
		return NULL;
	return declared[++*cursor];
}

const struct store_decl *store_by_index(uint32_t index)
{
	return index <= declared_count ? declared[index] : NULL;
}
