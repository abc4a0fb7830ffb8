// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/parked_threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "sources/iterator_read.h"
#include "sources/memory.h"
#include "sources/places.h"
#include "sources/reasons.h"
#include "sources/stacks.h"
#include "sources/thread_births.h"
#include "sources/wait_arguments.h"
#include "sources/wait_places.h"
#include "sources/waits.h"

/* After so many threads, and after so many stacks, it is measured again what room there is. */
#define MEASURE_THREADS 512
#define MEASURE_STACKS  64

/* Threads that one sweep reads; more would be 200 MiB of snapshots. */
#define SWEEP_BYTES_MAX (256UL * 1024 * 1024)

_Static_assert(sizeof(((struct abi_task_snapshot *)NULL)->comm) == THREAD_NAME_SIZE,
	       "a thread's name is kept whole");

/* A thread whose memory was read: it counts only if it has not moved meanwhile. */
struct walked {
	struct thread *thread;
	const struct abi_task_snapshot *snapshot;
	struct user_walk_result stack;
};

struct parked_threads {
	struct sources_context *context;
	struct iterator_buffer snapshots;
	struct iterator_buffer rechecks;
	struct walked *walked;
	size_t walked_count;
	size_t walked_capacity;
	struct tracer_stamps stamps;
	int64_t clock_offset_ns;
};

int parked_threads_open(struct sources_context *context, struct parked_threads **ret,
			struct error *error)
{
	struct parked_threads *parked = calloc(1, sizeof(*parked));

	if (!parked)
		return error_set(error, -ENOMEM, "out of memory");
	parked->context = context;
	parked->clock_offset_ns = INT64_MIN;
	*ret = parked;
	return 0;
}

/* The first sweep walks everybody, 1 KiB each, and those that follow only who has moved. */
static void forget_walked(struct parked_threads *parked)
{
	free(parked->walked);
	parked->walked = NULL;
	parked->walked_count = parked->walked_capacity = 0;
	tracer_stamps_clear(&parked->stamps);
	iterator_buffer_clear(&parked->rechecks);
}

void parked_threads_free(struct parked_threads *parked)
{
	if (!parked)
		return;
	forget_walked(parked);
	iterator_buffer_clear(&parked->snapshots);
	free(parked);
}

/* Its record has seen the wait begin, in which it still is. */
static bool began_in_sight(const struct abi_task_snapshot *snapshot)
{
	return snapshot->begin_ns && snapshot->begin_switches == snapshot->switches &&
	       snapshot->begin_ns <= snapshot->now_ns;
}

struct stay park_stay_of(const struct abi_task_snapshot *snapshot, int64_t clock_offset_ns)
{
	int64_t begin_ns = (int64_t)snapshot->start_ns;
	int64_t arrival_ns;

	if (began_in_sight(snapshot))
		return (struct stay){.age_ns = snapshot->now_ns - snapshot->begin_ns};
	if (clock_offset_ns != INT64_MIN && snapshot->last_arrival_ns) {
		arrival_ns = (int64_t)snapshot->last_arrival_ns + clock_offset_ns;
		if (arrival_ns > begin_ns)
			begin_ns = arrival_ns;
	}
	if (begin_ns > (int64_t)snapshot->now_ns)
		begin_ns = (int64_t)snapshot->now_ns;
	return (struct stay){.age_ns = snapshot->now_ns - (uint64_t)begin_ns, .bound = AGE_AT_MOST};
}

/*
 * The scheduler's clock against CLOCK_MONOTONIC. This thread is put on a CPU
 * right after `before_ns`, and its own snapshot has the scheduler's time of that:
 * so the difference is never too large, and ages are never too small.
 */
static uint64_t arrive_afresh(void)
{
	const struct timespec shortest = {.tv_nsec = 1};
	uint64_t before_ns = monotonic_ns();

	clock_nanosleep(CLOCK_MONOTONIC, 0, &shortest, NULL);
	return before_ns;
}

static void calibrate_clock(struct parked_threads *parked, uint64_t before_ns)
{
	const struct abi_task_snapshot *snapshot;
	pid_t own_tid = (pid_t)syscall(SYS_gettid);
	size_t position = 0;

	if (!parked->context->features->has[FEATURE_SCHED_INFO])
		return;
	while ((snapshot = iterator_next_snapshot(&parked->snapshots, &position)))
		if (snapshot->tid == (uint32_t)own_tid && snapshot->last_arrival_ns)
			parked->clock_offset_ns =
				(int64_t)before_ns - (int64_t)snapshot->last_arrival_ns;
}

static void end_stay(struct thread *thread)
{
	if (thread->park_site)
		site_leave(thread->park_site, &thread->park_stay);
	thread->park_site = NULL;
}

/*
 * The thread is parked at this site now; the sweep before may have seen it there already.
 * It is counted at the end: its exit may be among the events that are still to be drained.
 */
static void park(struct parked_threads *parked, struct thread *thread, struct site *site,
		 const struct abi_task_snapshot *snapshot)
{
	struct stay stay = park_stay_of(snapshot, parked->clock_offset_ns);
	uint64_t begin_ns = stay.bound == AGE_EXACT ? snapshot->begin_ns : 0;
	struct wait_arguments arguments = wait_arguments_of(snapshot);
	/* A wait that was broken and restarted has switched, but is the same stay. */
	bool stayed =
		thread->park_site == site && (thread->park_switches == snapshot->switches ||
					      (begin_ns && thread->park_begin_ns == begin_ns));

	if (!stayed)
		end_stay(thread);
	thread->park_site = site;
	thread->park_switches = snapshot->switches;
	thread->park_reason = snapshot->reason;
	thread->park_arrived = !stayed;
	thread->park_stay = stay;
	thread->park_timed = arguments.timed;
	thread->park_futex = snapshot->reason == REASON_FUTEX ? arguments.futex : 0;
	thread->park_begin_ns = begin_ns;
	memcpy(thread->park_name, snapshot->comm, sizeof(thread->park_name));
}

/* What a restarted call waits for, when its beginning was not seen: by its kernel frames. */
static uint32_t restarted_reason(const struct sources_context *context,
				 const struct abi_task_snapshot *snapshot)
{
	struct abi_stack kernel;
	const char *name;
	uint64_t offset;

	if (places_read_stack(context, snapshot->kernel_stack_id, &kernel))
		return snapshot->reason;
	for (uint32_t i = 0; i < kernel.count; i++) {
		uint32_t reason;

		if (symbolizer_kernel_name(context->symbolizer, kernel.frames[i], &name, &offset))
			continue;
		reason = reason_of_kernel_function(name);
		if (reason != REASON_NONE)
			return reason;
	}
	return snapshot->reason;
}

static bool in_restarted_call(const struct abi_task_snapshot *snapshot)
{
	return (snapshot->marks & TASK_MARK_COMPAT)
		       ? snapshot->syscall_number == 0
		       : snapshot->syscall_number == SYS_restart_syscall;
}

static struct walked *next_walked(struct parked_threads *parked)
{
	if (parked->walked_count == parked->walked_capacity) {
		size_t capacity = parked->walked_capacity ? 2 * parked->walked_capacity : 64;
		struct walked *grown = realloc(parked->walked, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		parked->walked = grown;
		parked->walked_capacity = capacity;
	}
	return &parked->walked[parked->walked_count++];
}

static struct user_stack user_stack_of(const struct user_walk_result *walked)
{
	return (struct user_stack){
		.frames = walked->frames,
		.count = walked->count,
		.first_guess = walked->first_guess,
		.end = walked->end,
	};
}

/*
 * The second pass is to stamp this wait, which counts by a coin, if it still lasts then: one that
 * was skipped is then counted at this stack. Beyond ABI_STAMPS_MAX they have to wait for the next
 * sweep.
 */
static void offer_stamp(struct parked_threads *parked, const struct abi_task_snapshot *snapshot,
			uint64_t user_stack_id)
{
	struct tracer_stamps *stamps = &parked->stamps;

	if (!(snapshot->marks & TASK_MARK_SAMPLED) || stamps->count == ABI_STAMPS_MAX)
		return;
	if (!stamps->tids && tracer_stamps_new(stamps)) {
		losses_add(&parked->context->losses, "out_of_memory", 1);
		return;
	}
	stamps->tids[stamps->count] = snapshot->tid;
	stamps->stamps[stamps->count++] = (struct abi_stamp){
		.start_ns = snapshot->start_ns,
		.begin_switches = snapshot->switches,
		.user_stack_id = user_stack_id,
	};
}

/* Its stack is in its own memory only: reads it, and leaves the verdict to the recheck. */
static void walk(struct parked_threads *parked, struct thread *thread,
		 const struct abi_task_snapshot *snapshot)
{
	struct walked *walked = next_walked(parked);
	struct user_stack user;

	if (!walked) {
		losses_add(&parked->context->losses, "out_of_memory", 1);
		return;
	}
	walked->thread = thread;
	walked->snapshot = snapshot;
	stacks_walk(parked->context->stacks, thread->process, snapshot, &walked->stack);
	user = user_stack_of(&walked->stack);
	offer_stamp(parked, snapshot, places_stack_id(parked->context, &user));
}

/* So long it has waited in this wait, even if it has moved before anybody knows where. */
static void note_open(struct thread *thread, const struct abi_task_snapshot *snapshot)
{
	if (!began_in_sight(snapshot))
		return;
	thread->open_ns = snapshot->waited_ns;
	thread->open_reason = snapshot->reason;
}

static void handle_parked(struct parked_threads *parked, struct thread *thread,
			  struct abi_task_snapshot *snapshot)
{
	struct sources_context *context = parked->context;
	struct site *site;

	/* It is where it was; but for a stamp its stack is needed. */
	if (thread->park_site && thread->park_switches == snapshot->switches &&
	    !(snapshot->marks & TASK_MARK_SAMPLED) &&
	    (thread->park_reason == snapshot->reason || in_restarted_call(snapshot))) {
		snapshot->reason = thread->park_reason;
		note_open(thread, snapshot);
		park(parked, thread, thread->park_site, snapshot);
		return;
	}
	if (in_restarted_call(snapshot) && snapshot->begin_switches != snapshot->switches)
		snapshot->reason = restarted_reason(context, snapshot);
	note_open(thread, snapshot);

	if (began_in_sight(snapshot) && snapshot->user_stack_id &&
	    snapshot->user_stack_end == UNWIND_END_OUTERMOST) {
		const struct user_stack user = {.id = snapshot->user_stack_id};

		site = places_park(context, thread->process, snapshot->reason, &user,
				   snapshot->kernel_stack_id);
		if (site)
			park(parked, thread, site, snapshot);
		else
			end_stay(thread);
		offer_stamp(parked, snapshot, user.id);
		return;
	}
	walk(parked, thread, snapshot);
}

/*
 * The record of a process that began after we attached counts from its birth on,
 * of which there is no event: what it counts covers more than the time since this sweep.
 */
static void watched_since_birth(const struct sources_context *context,
				struct watched_process *process, uint64_t leader_start_ns)
{
	if (context->attached_ns && leader_start_ns >= context->attached_ns &&
	    leader_start_ns < process->first_seen_ns)
		process->first_seen_ns = leader_start_ns;
}

static int take_accounts(struct sources_context *context, struct thread *thread,
			 const struct abi_task_snapshot *snapshot)
{
	int err = waits_credit(thread, snapshot->exec_id, snapshot_totals(snapshot),
			       snapshot->totals_count, &snapshot->sampling);

	if (err)
		return err;
	return wait_places_remember(context, thread, snapshot_remembered(snapshot),
				    snapshot->remembered_count);
}

/* Without room for the process or the thread: nothing. */
static int handle_snapshot(struct parked_threads *parked, struct abi_task_snapshot *snapshot)
{
	struct sources_context *context = parked->context;
	bool leader = snapshot->tid == snapshot->tgid;
	struct process_entry *entry;
	struct thread *thread;

	if (snapshot->marks & TASK_MARK_CLOCK)
		return 0;
	thread = thread_table_find(context->threads, snapshot->tid, snapshot->start_ns);
	/* On its way out: its exit may already be accounted. */
	if (!thread && (snapshot->marks & TASK_MARK_EXITING))
		return 0;
	entry = process_table_enter(context->processes, snapshot->tgid,
				    leader ? snapshot->start_ns : 0, snapshot->exec_id,
				    snapshot->now_ns);
	if (!entry)
		return 0;
	if (leader)
		watched_since_birth(context, entry->process, snapshot->start_ns);
	if (!thread)
		thread = thread_births_found(context, entry, snapshot->tid, snapshot->start_ns,
					     snapshot->marks);
	if (!thread)
		return 0;
	thread->last_sweep = context->sweep;
	if (!(snapshot->marks & TASK_MARK_EXITING))
		thread->alive_ns = snapshot->now_ns;
	if (snapshot->marks & TASK_MARK_EXEC)
		entry->exec_sweep = context->sweep;
	thread->open_ns = 0;
	thread->broken_ns = snapshot->broken_ns;
	thread->broken_reason = snapshot->broken_reason;

	if ((snapshot->marks & TASK_MARK_ACCOUNTS) && take_accounts(context, thread, snapshot))
		return -ENOMEM;
	if (snapshot->reason != REASON_NONE && (snapshot->marks & TASK_MARK_REGISTERS))
		handle_parked(parked, thread, snapshot);
	else
		end_stay(thread);
	return 0;
}

static int read_snapshots(struct parked_threads *parked, struct error *error)
{
	return iterator_read(tracer_open_sweep(parked->context->tracer, error), SWEEP_BYTES_MAX,
			     &parked->snapshots, error);
}

int parked_threads_meet(struct parked_threads *parked, struct error *error)
{
	struct sources_context *context = parked->context;
	const struct abi_task_snapshot *snapshot;
	size_t position = 0;
	int err = read_snapshots(parked, error);

	while (!err && (snapshot = iterator_next_snapshot(&parked->snapshots, &position)))
		if (snapshot->tid == snapshot->tgid && !(snapshot->marks & TASK_MARK_CLOCK))
			process_table_enter(context->processes, snapshot->tgid, snapshot->start_ns,
					    snapshot->exec_id, snapshot->now_ns);
	return err;
}

static int compare_rechecks(const void *left, const void *right)
{
	const struct abi_task_recheck *a = left, *b = right;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* The switch counts of all threads now, by tid. */
static int read_rechecks(struct parked_threads *parked, struct error *error)
{
	struct tracer *tracer = parked->context->tracer;
	struct abi_task_recheck *rechecks;
	size_t count;
	int err = tracer_offer_stamps(tracer, &parked->stamps);

	if (err)
		return error_set(error, err, "cannot stamp waits: %s", strerror(-err));
	err = iterator_read(tracer_open_recheck(tracer, error), SWEEP_BYTES_MAX, &parked->rechecks,
			    error);
	tracer_withdraw_stamps(tracer, &parked->stamps);
	if (err)
		return err;
	rechecks = (struct abi_task_recheck *)(void *)parked->rechecks.bytes;
	count = parked->rechecks.length / sizeof(*rechecks);
	if (count)
		qsort(rechecks, count, sizeof(*rechecks), compare_rechecks);
	return 0;
}

/* Parks the threads that were walked and have not run since their snapshot; the rest is lost. */
static int settle_walked(struct parked_threads *parked, struct error *error)
{
	struct sources_context *context = parked->context;
	const struct abi_task_recheck *rechecks;
	size_t count;
	int err;

	if (!parked->walked_count && !parked->stamps.count)
		return 0;
	err = read_rechecks(parked, error);
	if (err)
		return err;
	rechecks = (const struct abi_task_recheck *)(const void *)parked->rechecks.bytes;
	count = parked->rechecks.length / sizeof(*rechecks);
	for (size_t i = 0; i < parked->walked_count; i++) {
		struct walked *walked = &parked->walked[i];
		const struct abi_task_snapshot *snapshot = walked->snapshot;
		const struct abi_task_recheck wanted = {.tid = snapshot->tid,
							.start_ns = snapshot->start_ns};
		const struct user_stack user = user_stack_of(&walked->stack);
		const struct abi_task_recheck *found =
			count ? bsearch(&wanted, rechecks, count, sizeof(wanted), compare_rechecks)
			      : NULL;
		struct site *site = NULL;

		if (i % MEASURE_STACKS == 0)
			memory_look(context);
		if (!found || found->switches != snapshot->switches)
			losses_add(&context->losses, "thread_moved", 1);
		else
			site = places_park(context, walked->thread->process, snapshot->reason,
					   &user, snapshot->kernel_stack_id);
		/* When it ends it is counted there: named while its frames are known. */
		if (site && (snapshot->marks & TASK_MARK_SAMPLED))
			places_wait(context, walked->thread->process, snapshot->reason, &user);
		if (site)
			park(parked, walked->thread, site, snapshot);
		else
			end_stay(walked->thread);
	}
	return 0;
}

static void begin_process(struct process_entry *entry, void *data)
{
	const struct sources_context *context = data;

	watched_process_begin_sweep(entry->process, context->swept_ns);
}

int parked_threads_sweep(struct parked_threads *parked, struct error *error)
{
	struct sources_context *context = parked->context;
	struct abi_task_snapshot *snapshot;
	uint64_t before_ns = arrive_afresh();
	size_t position = 0, handled = 0;
	int err;

	context->sweep++;
	context->now_ns = context->swept_ns = monotonic_ns();
	process_table_each(context->processes, true, begin_process, context);

	/* The kernel makes records while it lists threads. */
	memory_look(context);
	err = read_snapshots(parked, error);
	if (err)
		return err;
	calibrate_clock(parked, before_ns);
	while (!err && (snapshot = iterator_next_snapshot(&parked->snapshots, &position))) {
		if (handled++ % MEASURE_THREADS == 0)
			memory_look(context);
		err = handle_snapshot(parked, snapshot);
	}
	err = err ? error_set(error, err, "out of memory") : settle_walked(parked, error);
	forget_walked(parked);
	return err;
}

static void end_process(struct process_entry *entry, void *data)
{
	struct sources_context *context = data;

	if (watched_process_end_sweep(entry->process, &context->rules))
		losses_add(&context->losses, "out_of_memory", 1);
}

static void add_open(const struct thread *thread, uint32_t reason, uint64_t open_ns)
{
	if (open_ns)
		watched_process_reason(thread->process->process, reason_name(reason))->open_ns +=
			open_ns;
}

/* The same in every look as long as the thread stays. */
static uint64_t stay_id_of(const struct thread *thread)
{
	const uint64_t words[] = {thread->key.tid, thread->key.start_ns, thread->park_switches};

	return XXH3_64bits(words, sizeof(words));
}

/* The arguments of its crowd's waits, anew in each sweep. */
static void note_arguments(struct site *site, const struct thread *thread, uint64_t swept_ns)
{
	const struct wait_object word = {
		.kind = WAIT_OBJECT_FUTEX, .identity = thread->park_futex, .alone = true};

	if (site->objects_ns != swept_ns) {
		site->objects_ns = swept_ns;
		site->timed = false;
		wait_objects_clear(&site->objects);
	}
	site->timed |= thread->park_timed;
	if (thread->park_futex)
		wait_objects_add(&site->objects, &word);
}

static void count_parked(struct thread *thread, void *data)
{
	const struct sources_context *context = data;

	add_open(thread, thread->broken_reason, thread->broken_ns);
	add_open(thread, thread->open_reason, thread->open_ns);
	if (!thread->park_site)
		return;
	site_park(thread->park_site, &thread->park_stay,
		  thread->park_arrived && context->sweep > 1);
	thread_names_add(&thread->park_site->names, thread->park_name, (uint32_t)thread->key.tid);
	if (context->stays)
		stay_sample_add(&thread->park_site->stays, stay_id_of(thread));
	note_arguments(thread->park_site, thread, context->swept_ns);
	thread->park_arrived = false;
}

void parked_threads_end(struct parked_threads *parked)
{
	thread_table_each(parked->context->threads, count_parked, parked->context);
	process_table_each(parked->context->processes, true, end_process, parked->context);
}
