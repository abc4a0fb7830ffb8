// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/thread_table.h"

#include <stdlib.h>

struct thread_table {
	struct thread *threads;
	struct memory_room *room;
	struct thread *found; /* last; NULL: none that is still there */
};

struct thread_table *thread_table_new(struct memory_room *room)
{
	struct thread_table *table = calloc(1, sizeof(*table));

	if (table)
		table->room = room;
	return table;
}

void thread_table_remove(struct thread_table *table, struct thread *thread)
{
	if (table->found == thread)
		table->found = NULL;
	HASH_DEL(table->threads, thread);
	memory_room_give(table->room, MEMORY_THREAD);
	free(thread->credited.totals);
	free(thread->before.totals);
	free(thread->remembered);
	free(thread);
}

void thread_table_free(struct thread_table *table)
{
	struct thread *thread, *next;

	if (!table)
		return;
	HASH_ITER (hh, table->threads, thread, next)
		thread_table_remove(table, thread);
	free(table);
}

size_t thread_table_count(const struct thread_table *table)
{
	return HASH_COUNT(table->threads);
}

static bool is_thread(const struct thread *thread, uint32_t tid, uint64_t start_ns)
{
	return thread && thread->key.tid == tid && thread->key.start_ns == start_ns;
}

struct thread *thread_table_find(struct thread_table *table, uint32_t tid, uint64_t start_ns)
{
	struct thread wanted = {.key = {.tid = tid, .start_ns = start_ns}};
	struct thread *thread = table->found ? table->found->hh.next : table->threads;

	/* A sweep asks for them in the order in which most of them came. */
	if (!is_thread(thread, tid, start_ns))
		HASH_FIND(hh, table->threads, &wanted.key, sizeof(wanted.key), thread);
	if (thread)
		table->found = thread;
	return thread;
}

struct thread *thread_table_find_tid(struct thread_table *table,
				     const struct process_entry *process, uint32_t tid)
{
	struct thread *thread, *next;

	HASH_ITER (hh, table->threads, thread, next)
		if (thread->process == process && thread->key.tid == tid)
			return thread;
	return NULL;
}

struct thread *thread_table_add(struct thread_table *table, struct process_entry *process,
				uint32_t tid, uint64_t start_ns)
{
	struct thread *thread;

	if (!memory_room_take(table->room, MEMORY_THREAD))
		return NULL;
	thread = calloc(1, sizeof(*thread));
	if (!thread) {
		memory_room_refuse(table->room);
		return NULL;
	}
	thread->key.tid = tid;
	thread->key.start_ns = start_ns;
	thread->process = process;
	HASH_ADD(hh, table->threads, key, sizeof(thread->key), thread);
	return thread;
}

void thread_table_each(struct thread_table *table, void (*visit)(struct thread *, void *),
		       void *context)
{
	struct thread *thread, *next;

	HASH_ITER (hh, table->threads, thread, next)
		visit(thread, context);
}
