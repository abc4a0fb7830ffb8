// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/thread_births.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/event_ring.h"
#include "sources/places.h"
#include "sources/stacks.h"
#include "sources/wait_places.h"
#include "sources/waits.h"

#define LABEL_BASELINE    "[started before parkscope]"
#define LABEL_LEADER      "[main thread]"
#define LABEL_IO_WORKER   "[io_uring worker]"
#define LABEL_USER_WORKER "[kernel worker]"
#define LABEL_UNSEEN      "[unknown: birth event lost]"
#define LABEL_NO_ROOM     "[unknown: no room for more sites]"
#define LABEL_REPLACED    "[unknown: before exec]"

/* How often the map is read for one process between two sweeps: that takes up to milliseconds. */
#define EXEC_READINGS_MAX 16

struct thread_births {
	struct sources_context *context;
	struct event_ring *ring;
	uint64_t readings_sweep; /* the last sweep at the time of these: */
	unsigned int readings;
};

void thread_births_free(struct thread_births *births)
{
	if (!births)
		return;
	event_ring_free(births->ring);
	free(births);
}

static const char *label_without_stack(uint32_t marks)
{
	if (marks & TASK_MARK_IO_WORKER)
		return LABEL_IO_WORKER;
	if (marks & TASK_MARK_USER_WORKER)
		return LABEL_USER_WORKER;
	return NULL;
}

static void settle_birth_site(struct thread *thread, struct site *site)
{
	if (!site)
		return;
	thread->birth_site = site;
	site->births.live++;
	if (thread->born)
		site->births.born++;
}

static struct thread *add_thread(struct sources_context *context, struct process_entry *entry,
				 uint32_t tid, uint64_t start_ns, bool born)
{
	struct thread *thread = thread_table_add(context->threads, entry, tid, start_ns);

	if (!thread)
		return NULL;
	thread->born = born;
	thread->last_sweep = context->sweep;
	entry->process->threads.now++;
	if (tid == entry->tgid)
		entry->leader_seen = true;
	if (born)
		entry->process->threads.born++;
	return thread;
}

struct thread *thread_births_found(struct sources_context *context, struct process_entry *entry,
				   uint32_t tid, uint64_t start_ns, uint32_t marks)
{
	bool leader = tid == entry->tgid;
	bool born = !leader && context->attached_ns && start_ns >= context->attached_ns;
	struct thread *thread = add_thread(context, entry, tid, start_ns, born);

	/* The event of a birth that we watched is still to come, or lost: reconcile tells. */
	if (!thread || born)
		return thread;
	thread->birth_seen = true;
	settle_birth_site(thread, places_birth_label(context, entry,
						     leader ? LABEL_LEADER
						     : label_without_stack(marks)
							     ? label_without_stack(marks)
							     : LABEL_BASELINE));
	return thread;
}

/* The last that its record counted of this program. */
static void credit_accounts(struct sources_context *context, struct thread *thread,
			    uint32_t exec_id, const struct abi_exit_event *exit)
{
	if (waits_credit(thread, exec_id, exit->totals, ABI_WAIT_TOTALS_MAX, &exit->sampling))
		losses_add(&context->losses, "out_of_memory", 1);
}

static void remove_thread(struct sources_context *context, struct thread *thread)
{
	struct process_entry *entry = thread->process;

	/* A stay that no crowd has counted yet does not end one either. */
	if (thread->park_site && !thread->park_arrived)
		site_leave(thread->park_site, &thread->park_stay);
	wait_places_end_thread(context, thread, NULL);
	if (thread->birth_site) {
		thread->birth_site->births.live--;
		thread->birth_site->births.exited++;
	}
	entry->process->threads.now--;
	entry->process->threads.exited++;
	tracer_forget_task(context->tracer, (uint32_t)thread->key.tid, thread->key.start_ns);
	thread_table_remove(context->threads, thread);
	/* A new process may be known by a thread of its main thread, which no sweep has seen. */
	if (!entry->process->threads.now && entry->leader_seen)
		process_table_end(context->processes, entry);
}

static void handle_birth(struct sources_context *context, const struct abi_birth_event *birth)
{
	const struct abi_event *event = &birth->event;
	const char *label = label_without_stack(birth->marks);
	struct process_entry *entry;
	struct thread *thread;
	struct user_stack user = {0};
	uint32_t frames = birth->creator_stack.count;

	entry = process_table_enter(context->processes, event->tgid, 0, event->exec_id,
				    event->now_ns);
	if (!entry)
		return;
	thread = thread_table_find(context->threads, event->tid, event->start_ns);
	if (!thread)
		thread = add_thread(context, entry, event->tid, event->start_ns, true);
	if (!thread || thread->birth_site)
		return;
	thread->birth_seen = true;
	if (label) {
		settle_birth_site(thread, places_birth_label(context, entry, label));
		return;
	}
	if (process_entry_is_past(entry, event->exec_id)) {
		settle_birth_site(thread, places_birth_label(context, entry, LABEL_REPLACED));
		return;
	}
	if (frames > ABI_STACK_FRAMES_MAX)
		frames = ABI_STACK_FRAMES_MAX;
	if (frames)
		user.frames = (const uint64_t *)birth->creator_stack.frames;
	user.count = user.first_guess = frames;
	user.end = birth->creator_stack.end;
	settle_birth_site(thread, places_birth(context, entry, &user));
}

static void handle_exit(struct sources_context *context, const struct abi_exit_event *exit)
{
	const struct abi_event *event = &exit->event;
	struct thread *thread = thread_table_find(context->threads, event->tid, event->start_ns);
	bool goes_on;

	if (!thread) {
		/* It was born and gone between two sweeps: only threads have birth events. */
		if (event->tid == event->tgid)
			losses_add(&context->losses, "process_between_sweeps", 1);
		tracer_forget_task(context->tracer, event->tid, event->start_ns);
		return;
	}
	/* The leader's: another thread calls exec and has its id by now, as the sweep has seen. */
	goes_on = thread->alive_ns > event->now_ns;
	if (exit->accounts) {
		/* An exec that failed late has changed the task's exec id, but not its record. */
		credit_accounts(context, thread,
				goes_on ? event->exec_id : thread->credited.exec_id, exit);
		if (thread->process->process->exec_id == event->exec_id)
			wait_places_end_thread(context, thread, exit->remembered);
	}
	if (!goes_on)
		remove_thread(context, thread);
}

/* What the old program has added to the map since the sweep. Not for each of many. */
static void read_replaced(struct thread_births *births, struct process_entry *entry)
{
	struct sources_context *context = births->context;

	if (births->readings_sweep != context->sweep) {
		births->readings_sweep = context->sweep;
		births->readings = 0;
	}
	if (births->readings++ >= EXEC_READINGS_MAX)
		return;
	if (wait_places_read_replaced(context, entry))
		losses_add(&context->losses, "losses_unreadable", 1);
}

/*
 * The task goes on under the leader's id with totals that begin at zero again. A sweep may have
 * seen its new program already, and then its places are forgotten: the totals still count.
 */
static void handle_exec(struct thread_births *births, const struct abi_exit_event *exec)
{
	struct sources_context *context = births->context;
	const struct abi_event *event = &exec->event;
	const uint32_t ended = event->exec_id - 1; /* each exec adds one */
	struct process_entry *entry = process_table_find(context->processes, event->tgid);
	struct thread *thread = thread_table_find(context->threads, event->tid, event->start_ns);
	struct thread *caller = thread;

	if (!entry)
		return;
	if (exec->previous_tid != event->tid)
		caller = thread_table_find_tid(context->threads, entry, exec->previous_tid);
	/* The leader's exit came before: the process lives on with who has taken its place. */
	if (caller && !thread)
		thread = thread_births_found(context, entry, event->tid, event->start_ns, 0);
	if (caller && exec->accounts)
		credit_accounts(context, caller, ended, exec);
	if (entry->process->exec_id == ended) {
		if (caller && exec->accounts)
			wait_places_end_program(context, caller, exec->remembered);
		read_replaced(births, entry);
	}
	if (thread)
		waits_end_program(thread, ended);
	if (thread && caller && caller != thread)
		remove_thread(context, caller);
	process_table_exec(context->processes, entry, event->exec_id);
	stacks_handle_exec(context->stacks, entry);
}

static void handle_event(void *data, const void *bytes, size_t size)
{
	struct thread_births *births = data;
	struct sources_context *context = births->context;
	const struct abi_event *event = bytes;

	if (size < sizeof(*event))
		return;
	if (event->now_ns > context->now_ns)
		context->now_ns = event->now_ns;
	if (event->kind == EVENT_THREAD_BIRTH && size >= sizeof(struct abi_birth_event))
		handle_birth(context, bytes);
	else if (event->kind == EVENT_THREAD_EXIT && size >= sizeof(struct abi_exit_event))
		handle_exit(context, bytes);
	else if (event->kind == EVENT_EXEC && size >= sizeof(struct abi_exit_event))
		handle_exec(births, bytes);
	else if (event->kind == EVENT_UNWIND_REQUEST)
		stacks_handle_request(context->stacks, event);
}

int thread_births_open(struct sources_context *context, struct thread_births **ret,
		       struct error *error)
{
	auto_free(thread_births) struct thread_births *births = calloc(1, sizeof(*births));
	int err;

	if (!births)
		return error_set(error, -ENOMEM, "out of memory");
	births->context = context;
	process_table_on_exec(context->processes, wait_places_settle_process, context);
	err = event_ring_open(tracer_events_fd(context->tracer),
			      tracer_events_size(context->tracer), &births->ring, error);
	if (err)
		return err;
	*ret = take_ptr(births);
	return 0;
}

int thread_births_fd(const struct thread_births *births)
{
	return tracer_events_fd(births->context->tracer);
}

int thread_births_drain(struct thread_births *births)
{
	return event_ring_drain(births->ring, handle_event, births);
}

static void reconcile_thread(struct thread *thread, void *data)
{
	struct sources_context *context = data;

	/* Whoever calls exec may be there under another id already: the event tells. */
	if (thread->last_sweep != context->sweep && thread->process->exec_sweep != context->sweep) {
		remove_thread(context, thread);
		return;
	}
	if (!thread->birth_site)
		settle_birth_site(thread, places_birth_label(context, thread->process,
							     thread->birth_seen ? LABEL_NO_ROOM
										: LABEL_UNSEEN));
}

static void reconcile_process(struct process_entry *entry, void *data)
{
	struct sources_context *context = data;

	if (!entry->process->threads.now)
		process_table_end(context->processes, entry);
}

void thread_births_reconcile(struct sources_context *context)
{
	thread_table_each(context->threads, reconcile_thread, context);
	process_table_each(context->processes, false, reconcile_process, context);
}
