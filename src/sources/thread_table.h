/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_THREAD_TABLE_H
#define PARKSCOPE_SOURCES_THREAD_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "model/memory_room.h"
#include "model/site.h"

struct place;
struct process_entry;

/* Completed waits that a thread's record holds, at the last sweep; see wait_places.h. */
struct remembered_place {
	struct place *place; /* NULL: none */
	struct abi_wait_sum sum;
};

/* What a process was credited with of one record: that of a thread and one of its programs. */
struct credited {
	uint32_t exec_id;
	uint32_t count;                 /* of `totals`; those past it are zero */
	struct abi_wait_totals *totals; /* by slot */
	struct abi_sampling sampling;
};

/*
 * What is known of one thread, so that a sweep can tell what changed since the
 * last one. Identified by {tid, start_ns}: a tid alone is reused.
 */
struct thread {
	struct {
		uint64_t tid;
		uint64_t start_ns;
	} key;
	struct process_entry *process;
	struct site *birth_site; /* NULL: not known yet */
	bool born;               /* counted as a birth since we attached */
	bool birth_seen;         /* or it was there before: no birth site means no room for one */

	/* The stay of the last sweep that saw the thread parked; NULL: it was not. */
	struct site *park_site;
	uint64_t park_switches;
	uint32_t park_reason;
	bool park_arrived;      /* the stay was not there in the sweep before */
	struct stay park_stay;  /* at the last sweep */
	bool park_timed;        /* it has a timeout */
	uint64_t park_futex;    /* address of the word that it waits for; 0: not known */
	uint64_t park_begin_ns; /* of a wait that we saw begin: the same after a restart; else 0 */
	char park_name[THREAD_NAME_SIZE]; /* at the last sweep */

	/* Waits that have not ended, at the last sweep; see struct abi_task_snapshot. */
	uint64_t open_ns;
	uint32_t open_reason;
	uint64_t broken_ns;
	uint32_t broken_reason;

	uint64_t last_sweep; /* number of the last sweep that saw it */
	uint64_t alive_ns;   /* when that was, if the thread was not on its way out; else before */

	struct credited credited;
	struct credited before; /* of the program before, until its last totals are known */

	/* ABI_REMEMBERED_WAITS_MAX of them: where its record has completed waits; NULL: nowhere
	 * yet. */
	struct remembered_place *remembered;
	uint32_t remembered_generation; /* of the process that these places are of */

	UT_hash_handle hh;
};

struct thread_table;

/* What is added takes from the room, which must outlive the table; NULL: no limit. */
struct thread_table *thread_table_new(struct memory_room *room);
/* Frees all threads, without counting anything. */
void thread_table_free(struct thread_table *table);
define_auto_free(thread_table)

size_t thread_table_count(const struct thread_table *table);

/* NULL: not there. */
struct thread *thread_table_find(struct thread_table *table, uint32_t tid, uint64_t start_ns);

/* The thread of the process with this id, whenever it began; looks at all. NULL: not there. */
struct thread *thread_table_find_tid(struct thread_table *table,
				     const struct process_entry *process, uint32_t tid);

/* A new thread of the process, not there before; NULL without memory or room, which counts it. */
struct thread *thread_table_add(struct thread_table *table, struct process_entry *process,
				uint32_t tid, uint64_t start_ns);

void thread_table_remove(struct thread_table *table, struct thread *thread);

/* Calls `visit` for each thread; it may remove the one it is given. */
void thread_table_each(struct thread_table *table, void (*visit)(struct thread *, void *),
		       void *context);

#endif
