/*
 * The entrance: core's side of struct stream_host. What a stream asks of the room above
 * (domains, credentials, binding) and what it hands up (stanzas) passes here.
 */
#ifndef CORE_ENTRANCE_H
#define CORE_ENTRANCE_H

#include "base/option.h"
#include "stream/stream.h"

extern const struct stream_host entrance;
extern struct option entrance_option_conflict;
extern struct option entrance_option_sessions;

#endif
