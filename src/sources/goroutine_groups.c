// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_groups.h"

#include <stdlib.h>

#define GROUPS_MAX 65536

struct goroutine_groups {
	struct goroutine_group *groups; /* uthash */
};

struct goroutine_groups *goroutine_groups_new(void)
{
	return calloc(1, sizeof(struct goroutine_groups));
}

static void forget_all(struct goroutine_groups *groups)
{
	struct goroutine_group *group, *next;

	HASH_ITER (hh, groups->groups, group, next) {
		HASH_DEL(groups->groups, group);
		free(group);
	}
}

void goroutine_groups_free(struct goroutine_groups *groups)
{
	if (!groups)
		return;
	forget_all(groups);
	free(groups);
}

static struct goroutine_group *add_group(struct goroutine_groups *groups,
					 const struct goroutine_group *wanted)
{
	struct goroutine_group *group;

	if (HASH_COUNT(groups->groups) >= GROUPS_MAX)
		forget_all(groups);
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->key = wanted->key;
	HASH_ADD(hh, groups->groups, key, sizeof(group->key), group);
	return group;
}

static void begin_sweep(struct goroutine_group *group, uint64_t sweep)
{
	if (group->reads >= GOROUTINE_SAMPLE && !group->differed)
		group->mixed = false;
	group->sweep = sweep;
	group->reads = group->tries = 0;
	group->differed = false;
}

struct goroutine_group *goroutine_groups_find(struct goroutine_groups *groups,
					      const struct goroutine *goroutine, uint64_t sweep)
{
	struct goroutine_group *group = NULL;
	struct goroutine_group wanted = {0};

	wanted.key.gopc = goroutine->gopc;
	wanted.key.startpc = goroutine->startpc;
	wanted.key.pc = goroutine->pc;
	wanted.key.depth = goroutine->stack_hi - goroutine->sp;
	wanted.key.status_and_reason = (uint64_t)goroutine->status << 8 | goroutine->wait_reason;
	HASH_FIND(hh, groups->groups, &wanted.key, sizeof(wanted.key), group);
	if (!group)
		group = add_group(groups, &wanted);
	if (group && group->sweep != sweep)
		begin_sweep(group, sweep);
	return group;
}

void goroutine_group_note(struct goroutine_group *group, uint32_t place)
{
	group->differed |= group->reads && group->place != place;
	group->mixed |= group->place && group->place != place;
	group->place = place;
	group->reads++;
}
