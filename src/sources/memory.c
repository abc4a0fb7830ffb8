// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/memory.h"

#include <malloc.h>

#include "sources/own_cost.h"
#include "sources/stacks.h"

void memory_allow_records(struct sources_context *context)
{
	tracer_allow_records(context->tracer, memory_room_for(&context->room, MEMORY_THREAD));
}

static void measure(struct sources_context *context)
{
	memory_room_measure(&context->room, own_cost_memory(context));
	memory_allow_records(context);
	stacks_limit_tables(context->stacks, context->room.left);
}

/* Names can be read again. */
static void drop_caches(struct sources_context *context)
{
	symbolizer_drop_caches(context->symbolizer);
	malloc_trim(0);
	measure(context);
}

void memory_look(struct sources_context *context)
{
	measure(context);
	if (memory_room_has_site(&context->room) || context->caches_dropped == context->sweep)
		return;
	context->caches_dropped = context->sweep;
	drop_caches(context);
}

/* Sites and threads that are known stay, and are counted on. */
void memory_settle(struct sources_context *context)
{
	measure(context);
	losses_set_total(&context->losses, "memory_full", context->room.refused);
	context->memory_short = memory_room_is_low(&context->room) ||
				losses_interval_of(&context->losses, "memory_full");
	if (context->memory_short)
		drop_caches(context);
}

void memory_trim(struct sources_context *context)
{
	if (context->memory_short)
		malloc_trim(0);
}
