/*
 * What option.c and settings.c share. Not for other rooms.
 */
#ifndef BASE_OPTION_IMPL_H
#define BASE_OPTION_IMPL_H

#include "base/option.h"

/*
 * Cuts a comma-separated list into trimmed items, borrowed from text, in the arena. An empty
 * text has none. 0, or -EINVAL for an empty item.
 */
int option_cut_list(struct arena *arena, struct bytes text, const struct bytes **ret_items,
		    size_t *ret_count);

/* The default of a registered list option; lives as long as the process. */
const struct bytes *option_default_items(const struct option *option, size_t *ret_count);

#endif
