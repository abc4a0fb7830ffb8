/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_PROCESS_TABLE_H
#define PARKSCOPE_SOURCES_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "model/watched_process.h"
#include "process/mapping_cache.h"

/* Distinct raw stacks that one process may cost. */
#define PLACES_MAX 16384

/* A raw stack of a process, and the site that it turned out to be. */
struct place {
	struct {
		uint64_t user_stack_id;
		uint64_t kernel_stack_id;
		uint64_t kind_and_reason;
	} key;
	struct site
		*site; /* NULL: it expired, or its frames are not known: found when it is used */
	/* Completed waits here, see wait_places.h: */
	struct abi_wait_sum settled;      /* of threads that ended, and taken out of the map */
	struct abi_wait_sum in_map;       /* in `wait_sites`, at the last sweep */
	struct abi_wait_sum with_threads; /* remembered by threads, at the last sweep */
	struct abi_wait_sum credited;     /* of all these, to the site */
	UT_hash_handle hh;
};

/* A watched process and what the sources need to remember of it. */
struct process_entry {
	uint32_t tgid;
	uint32_t generation; /* of its address space: no other has this number */
	struct watched_process *process;
	bool leader_seen;     /* its main thread has been in the thread table */
	struct place *places; /* uthash; addresses mean nothing after exec */
	size_t places_count;
	size_t sites_expired;
	uint64_t exec_sweep; /* number of the last sweep that saw a thread call exec */
	bool waits_changed;  /* some place has waits that may not be credited yet */
	struct {             /* for the table of ended processes */
		uint32_t tgid;
		uint32_t exec_id;
	} ended_key;
	UT_hash_handle hh;
};

/* The processes that live, by tgid, and those that ended since the last report. */
struct process_table;

/* The program that the process runs, for what is remembered of its mappings. */
struct process_ref process_entry_ref(const struct process_entry *entry);

/* What is entered takes from the room, which must outlive the table; NULL: no limit. */
struct process_table *process_table_new(struct memory_room *room);
void process_table_free(struct process_table *table);
define_auto_free(process_table)

/* A living process; NULL: none. */
struct process_entry *process_table_find(const struct process_table *table, uint32_t tgid);

/* The process with this id and exec generation, living or ended since the last report. */
struct process_entry *process_table_find_exec(const struct process_table *table, uint32_t tgid,
					      uint32_t exec_id);

/*
 * The living process with this id, made if it is new, with its identity read
 * from /proc. `leader_start_ns` is the start time of its main thread, or 0 where
 * that is not known: another start time means that the pid was reused, and the
 * old process ends. NULL without memory or room, which counts it.
 */
struct process_entry *process_table_enter(struct process_table *table, uint32_t tgid,
					  uint64_t leader_start_ns, uint32_t exec_id,
					  uint64_t now_ns);

/* `settle` is called with a process that called exec, before its places are forgotten. */
void process_table_on_exec(struct process_table *table,
			   void (*settle)(struct process_entry *, void *), void *context);

/* The process has run a newer program than this one, since it called exec. */
bool process_entry_is_past(const struct process_entry *entry, uint32_t exec_id);

/*
 * The process called exec: reads its identity again and forgets its places. Does nothing if the
 * process is known to run this program, or a newer one.
 */
void process_table_exec(struct process_table *table, struct process_entry *entry, uint32_t exec_id);

/* The process is gone; it stays for the next report. Does nothing if it has ended. */
void process_table_end(struct process_table *table, struct process_entry *entry);

/* Frees the processes that ended: their last report is written. */
void process_table_drop_ended(struct process_table *table);

/* Calls `visit` for the living ones, then, if asked, for those that ended. */
void process_table_each(struct process_table *table, bool with_ended,
			void (*visit)(struct process_entry *, void *), void *context);

size_t process_table_count(const struct process_table *table, bool with_ended);

#endif
