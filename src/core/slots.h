/*
 * Slots: the features' typed state on a session or a user, allocated zeroed at first use
 * (struct slot). The array of pointers itself is allocated at the first use of any.
 */
#ifndef CORE_SLOTS_H
#define CORE_SLOTS_H

#include "core/feature.h"

/* Frees all state of one object, by each slot's fini, and the array. */
void slots_free(enum slot_of of, void ***slots);

#endif
