/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_THREAD_BIRTHS_H
#define PARKSCOPE_SOURCES_THREAD_BIRTHS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "sources/context.h"

/*
 * Thread births, exits and exec, from the ring buffer; and what the sweep finds
 * that no event told: the two keep the live counts true together.
 */
struct thread_births;

int thread_births_open(struct sources_context *context, struct thread_births **births,
		       struct error *error);
void thread_births_free(struct thread_births *births);
define_auto_free(thread_births)

/* A descriptor that is readable when there are events. Belongs to `births`. */
int thread_births_fd(const struct thread_births *births);

/* Handles all events that are there. */
int thread_births_drain(struct thread_births *births);

/* A thread that the sweep found and that is not in the table; as thread_table_add(). */
struct thread *thread_births_found(struct sources_context *context, struct process_entry *entry,
				   uint32_t tid, uint64_t start_ns, uint32_t marks);

/* After sweep and drain: threads that neither saw have exited; processes without threads end. */
void thread_births_reconcile(struct sources_context *context);

#endif
