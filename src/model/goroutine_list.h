/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_GOROUTINE_LIST_H
#define PARKSCOPE_MODEL_GOROUTINE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/frame.h"

/* Each goroutine of a process by itself, for formats that list them (`dump -f go`). Pure. */

struct goroutine_entry {
	uint64_t goid;
	uint64_t parent_goid;      /* 0: unknown */
	uint64_t waited_ns;        /* how long it has been parked; 0: unknown, or it is not */
	const char *state;         /* "chan send", "running", "syscall": as the runtime names it */
	const struct stack *stack; /* NULL: it ran, and its stack could not be read */
	const struct stack *creator; /* NULL: none */
	char *labels;                /* owned; NULL: none; what the process says, not escaped */
	bool locked;                 /* to its thread */
	bool runtime;                /* the runtime's own: runtime.NumGoroutine() leaves it out */
};

/* Zero-initialised is empty. Stacks belong to the sources; states are static or theirs. */
struct goroutine_list {
	size_t count;
	size_t capacity;
	struct goroutine_entry *entries;
};

/* Takes over `entry->labels` also on failure. 0 or -ENOMEM. */
int goroutine_list_add(struct goroutine_list *list, const struct goroutine_entry *entry);
void goroutine_list_sort(struct goroutine_list *list); /* by goid */
void goroutine_list_clear(struct goroutine_list *list);

#endif
