/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_GROUPS_H
#define PARKSCOPE_SOURCES_GOROUTINE_GROUPS_H

/*
 * Goroutines whose headers say the same, down to the bytes of stack in use: most likely
 * their stacks are the same, too. A sample of them shows it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "goruntime/goroutine.h"

struct goroutine_group {
	struct {
		uint64_t gopc, startpc, pc;
		uint64_t depth; /* bytes of stack in use */
		uint64_t status_and_reason;
	} key;
	uint32_t place; /* where the last one read stands: number of its goroutine_place; 0: none */
	uint32_t reads; /* of stacks in this sweep */
	uint32_t tries; /* the same, also of those that led to no place */
	uint64_t sweep; /* in which it was last asked for */
	bool mixed;     /* two stacks differed, and no full sample has agreed since */
	bool differed;  /* two stacks of this sweep did */
	UT_hash_handle hh;
};

/* Bounded: too many groups, and all are forgotten. */
struct goroutine_groups;

/* NULL without memory. */
struct goroutine_groups *goroutine_groups_new(void);
void goroutine_groups_free(struct goroutine_groups *groups);
define_auto_free(goroutine_groups)

/* The group of a goroutine, made if it is new; valid until the next call. NULL without memory. */
struct goroutine_group *goroutine_groups_find(struct goroutine_groups *groups,
					      const struct goroutine *goroutine, uint64_t sweep);

/* Stacks of a sweep that show that a group is of one kind, or is not. */
#define GOROUTINE_SAMPLE 32

/* The stack of one of them was read: it stands at that place. */
void goroutine_group_note(struct goroutine_group *group, uint32_t place);

#endif
