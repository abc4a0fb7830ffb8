// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_wait_reason.h"

#include <stdio.h>
#include <string.h>

/*
 * Everything that runtime.waitReasonStrings has said since Go 1.15, in src/runtime/runtime2.go.
 * Those behind NAMES are older texts for a reason before it.
 */
enum reason {
	OTHER, /* "", waitReasonZero */
	GC_ASSIST_MARKING,
	IO_WAIT,
	CHAN_RECEIVE_NIL_CHAN,
	CHAN_SEND_NIL_CHAN,
	DUMPING_HEAP,
	GARBAGE_COLLECTION,
	GARBAGE_COLLECTION_SCAN,
	PANIC_WAIT,
	SELECT,
	SELECT_NO_CASES,
	GC_ASSIST_WAIT,
	GC_SWEEP_WAIT,
	GC_SCAVENGE_WAIT,
	CHAN_RECEIVE,
	CHAN_SEND,
	FINALIZER_WAIT,
	FORCE_GC_IDLE,
	SEMACQUIRE,
	SLEEP,
	SYNC_COND_WAIT,
	TIMER_GOROUTINE_IDLE,
	TRACE_READER_BLOCKED,
	WAIT_FOR_GC_CYCLE,
	GC_WORKER_IDLE,
	PREEMPTED,
	DEBUG_CALL,
	SYNC_MUTEX_LOCK,
	SYNC_RWMUTEX_RLOCK,
	SYNC_RWMUTEX_LOCK,
	GC_WORKER_ACTIVE,
	GC_MARK_TERMINATION,
	STOPPING_THE_WORLD,
	FLUSHING_PROC_CACHES,
	TRACE_GOROUTINE_STATUS,
	TRACE_PROC_STATUS,
	PAGE_TRACE_FLUSH,
	COROUTINE,
	GC_WEAK_TO_STRONG_WAIT,
	SYNC_WAITGROUP_WAIT,
	SYNCTEST_RUN,
	SYNCTEST_WAIT,
	GOMAXPROCS_UPDATER_IDLE,
	CHAN_RECEIVE_DURABLE,
	CHAN_SEND_DURABLE,
	SELECT_DURABLE,
	SYNC_WAITGROUP_WAIT_DURABLE,
	CLEANUP_WAIT,
	NAMES,
	CHAN_RECEIVE_SYNCTEST = NAMES,
	CHAN_SEND_SYNCTEST,
	SELECT_SYNCTEST,
	REASONS,
};

static const char *const names[NAMES] = {
	[OTHER] = "other",
	[GC_ASSIST_MARKING] = "gc_assist_marking",
	[IO_WAIT] = "io_wait",
	[CHAN_RECEIVE_NIL_CHAN] = "chan_receive_nil_chan",
	[CHAN_SEND_NIL_CHAN] = "chan_send_nil_chan",
	[DUMPING_HEAP] = "dumping_heap",
	[GARBAGE_COLLECTION] = "garbage_collection",
	[GARBAGE_COLLECTION_SCAN] = "garbage_collection_scan",
	[PANIC_WAIT] = "panic_wait",
	[SELECT] = "select",
	[SELECT_NO_CASES] = "select_no_cases",
	[GC_ASSIST_WAIT] = "gc_assist_wait",
	[GC_SWEEP_WAIT] = "gc_sweep_wait",
	[GC_SCAVENGE_WAIT] = "gc_scavenge_wait",
	[CHAN_RECEIVE] = "chan_receive",
	[CHAN_SEND] = "chan_send",
	[FINALIZER_WAIT] = "finalizer_wait",
	[FORCE_GC_IDLE] = "force_gc_idle",
	[SEMACQUIRE] = "semacquire",
	[SLEEP] = "sleep",
	[SYNC_COND_WAIT] = "sync_cond_wait",
	[TIMER_GOROUTINE_IDLE] = "timer_goroutine_idle",
	[TRACE_READER_BLOCKED] = "trace_reader_blocked",
	[WAIT_FOR_GC_CYCLE] = "wait_for_gc_cycle",
	[GC_WORKER_IDLE] = "gc_worker_idle",
	[PREEMPTED] = "preempted",
	[DEBUG_CALL] = "debug_call",
	[SYNC_MUTEX_LOCK] = "sync_mutex_lock",
	[SYNC_RWMUTEX_RLOCK] = "sync_rwmutex_rlock",
	[SYNC_RWMUTEX_LOCK] = "sync_rwmutex_lock",
	[GC_WORKER_ACTIVE] = "gc_worker_active",
	[GC_MARK_TERMINATION] = "gc_mark_termination",
	[STOPPING_THE_WORLD] = "stopping_the_world",
	[FLUSHING_PROC_CACHES] = "flushing_proc_caches",
	[TRACE_GOROUTINE_STATUS] = "trace_goroutine_status",
	[TRACE_PROC_STATUS] = "trace_proc_status",
	[PAGE_TRACE_FLUSH] = "page_trace_flush",
	[COROUTINE] = "coroutine",
	[GC_WEAK_TO_STRONG_WAIT] = "gc_weak_to_strong_wait",
	[SYNC_WAITGROUP_WAIT] = "sync_waitgroup_wait",
	[SYNCTEST_RUN] = "synctest_run",
	[SYNCTEST_WAIT] = "synctest_wait",
	[GOMAXPROCS_UPDATER_IDLE] = "gomaxprocs_updater_idle",
	[CHAN_RECEIVE_DURABLE] = "chan_receive_durable",
	[CHAN_SEND_DURABLE] = "chan_send_durable",
	[SELECT_DURABLE] = "select_durable",
	[SYNC_WAITGROUP_WAIT_DURABLE] = "sync_waitgroup_wait_durable",
	[CLEANUP_WAIT] = "cleanup_wait",
};

static const char *const texts[REASONS] = {
	[OTHER] = "",
	[GC_ASSIST_MARKING] = "GC assist marking",
	[IO_WAIT] = "IO wait",
	[CHAN_RECEIVE_NIL_CHAN] = "chan receive (nil chan)",
	[CHAN_SEND_NIL_CHAN] = "chan send (nil chan)",
	[DUMPING_HEAP] = "dumping heap",
	[GARBAGE_COLLECTION] = "garbage collection",
	[GARBAGE_COLLECTION_SCAN] = "garbage collection scan",
	[PANIC_WAIT] = "panicwait",
	[SELECT] = "select",
	[SELECT_NO_CASES] = "select (no cases)",
	[GC_ASSIST_WAIT] = "GC assist wait",
	[GC_SWEEP_WAIT] = "GC sweep wait",
	[GC_SCAVENGE_WAIT] = "GC scavenge wait",
	[CHAN_RECEIVE] = "chan receive",
	[CHAN_SEND] = "chan send",
	[FINALIZER_WAIT] = "finalizer wait",
	[FORCE_GC_IDLE] = "force gc (idle)",
	[SEMACQUIRE] = "semacquire",
	[SLEEP] = "sleep",
	[SYNC_COND_WAIT] = "sync.Cond.Wait",
	[TIMER_GOROUTINE_IDLE] = "timer goroutine (idle)",
	[TRACE_READER_BLOCKED] = "trace reader (blocked)",
	[WAIT_FOR_GC_CYCLE] = "wait for GC cycle",
	[GC_WORKER_IDLE] = "GC worker (idle)",
	[PREEMPTED] = "preempted",
	[DEBUG_CALL] = "debug call",
	[SYNC_MUTEX_LOCK] = "sync.Mutex.Lock",
	[SYNC_RWMUTEX_RLOCK] = "sync.RWMutex.RLock",
	[SYNC_RWMUTEX_LOCK] = "sync.RWMutex.Lock",
	[GC_WORKER_ACTIVE] = "GC worker (active)",
	[GC_MARK_TERMINATION] = "GC mark termination",
	[STOPPING_THE_WORLD] = "stopping the world",
	[FLUSHING_PROC_CACHES] = "flushing proc caches",
	[TRACE_GOROUTINE_STATUS] = "trace goroutine status",
	[TRACE_PROC_STATUS] = "trace proc status",
	[PAGE_TRACE_FLUSH] = "page trace flush",
	[COROUTINE] = "coroutine",
	[GC_WEAK_TO_STRONG_WAIT] = "GC weak to strong wait",
	[SYNC_WAITGROUP_WAIT] = "sync.WaitGroup.Wait",
	[SYNCTEST_RUN] = "synctest.Run",
	[SYNCTEST_WAIT] = "synctest.Wait",
	[GOMAXPROCS_UPDATER_IDLE] = "GOMAXPROCS updater (idle)",
	[CHAN_RECEIVE_DURABLE] = "chan receive (durable)",
	[CHAN_SEND_DURABLE] = "chan send (durable)",
	[SELECT_DURABLE] = "select (durable)",
	[SYNC_WAITGROUP_WAIT_DURABLE] = "sync.WaitGroup.Wait (durable)",
	[CLEANUP_WAIT] = "cleanup wait",
	[CHAN_RECEIVE_SYNCTEST] = "chan receive (synctest)",
	[CHAN_SEND_SYNCTEST] = "chan send (synctest)",
	[SELECT_SYNCTEST] = "select (synctest)",
};

/* Parts of the lists of constants that several versions have in common. */
#define COMMON_START OTHER, GC_ASSIST_MARKING, IO_WAIT
#define COMMON_1_15                                                                                \
	COMMON_START, CHAN_RECEIVE_NIL_CHAN, CHAN_SEND_NIL_CHAN, DUMPING_HEAP, GARBAGE_COLLECTION, \
		GARBAGE_COLLECTION_SCAN, PANIC_WAIT, SELECT, SELECT_NO_CASES, GC_ASSIST_WAIT,      \
		GC_SWEEP_WAIT, GC_SCAVENGE_WAIT, CHAN_RECEIVE, CHAN_SEND, FINALIZER_WAIT,          \
		FORCE_GC_IDLE
#define SEMAPHORES_1_15 SEMACQUIRE, SLEEP, SYNC_COND_WAIT
#define LOCKS_1_20      SYNC_MUTEX_LOCK, SYNC_RWMUTEX_RLOCK, SYNC_RWMUTEX_LOCK
#define COMMON_1_20                                                                           \
	TRACE_READER_BLOCKED, WAIT_FOR_GC_CYCLE, GC_WORKER_IDLE, GC_WORKER_ACTIVE, PREEMPTED, \
		DEBUG_CALL, GC_MARK_TERMINATION, STOPPING_THE_WORLD
#define COMMON_1_23                                                                   \
	COMMON_1_20, FLUSHING_PROC_CACHES, TRACE_GOROUTINE_STATUS, TRACE_PROC_STATUS, \
		PAGE_TRACE_FLUSH, COROUTINE, GC_WEAK_TO_STRONG_WAIT
#define SYNCTEST_1_25                                                                         \
	SYNCTEST_RUN, SYNCTEST_WAIT, CHAN_RECEIVE_DURABLE, CHAN_SEND_DURABLE, SELECT_DURABLE, \
		SYNC_WAITGROUP_WAIT_DURABLE, CLEANUP_WAIT

/* 1.15 to 1.19. */
static const uint8_t list_1_15[] = {COMMON_1_15,
				    SEMAPHORES_1_15,
				    TIMER_GOROUTINE_IDLE,
				    TRACE_READER_BLOCKED,
				    WAIT_FOR_GC_CYCLE,
				    GC_WORKER_IDLE,
				    PREEMPTED,
				    DEBUG_CALL};

/* 1.20 to 1.23: 1.22 and 1.23 added to the end. */
static const uint8_t list_1_20[] = {COMMON_1_15, SEMAPHORES_1_15, LOCKS_1_20, COMMON_1_23};

static const uint8_t list_1_24[] = {COMMON_1_15,         SEMAPHORES_1_15,       LOCKS_1_20,
				    SYNC_WAITGROUP_WAIT, COMMON_1_23,           SYNCTEST_RUN,
				    SYNCTEST_WAIT,       CHAN_RECEIVE_SYNCTEST, CHAN_SEND_SYNCTEST,
				    SELECT_SYNCTEST};

/* Source of 1.25.3. */
static const uint8_t list_1_25[] = {COMMON_1_15,  GOMAXPROCS_UPDATER_IDLE, SEMAPHORES_1_15,
				    LOCKS_1_20,   SYNC_WAITGROUP_WAIT,     COMMON_1_23,
				    SYNCTEST_1_25};

/* Source of 1.26; CL 688335 sorted it. */
static const uint8_t list_1_26[] = {COMMON_START,
				    DUMPING_HEAP,
				    GARBAGE_COLLECTION,
				    GARBAGE_COLLECTION_SCAN,
				    PANIC_WAIT,
				    GC_ASSIST_WAIT,
				    GC_SWEEP_WAIT,
				    GC_SCAVENGE_WAIT,
				    FINALIZER_WAIT,
				    FORCE_GC_IDLE,
				    GOMAXPROCS_UPDATER_IDLE,
				    SEMACQUIRE,
				    SLEEP,
				    CHAN_RECEIVE_NIL_CHAN,
				    CHAN_SEND_NIL_CHAN,
				    SELECT_NO_CASES,
				    SELECT,
				    CHAN_RECEIVE,
				    CHAN_SEND,
				    SYNC_COND_WAIT,
				    LOCKS_1_20,
				    SYNC_WAITGROUP_WAIT,
				    COMMON_1_23,
				    SYNCTEST_1_25};

#define WHOLE(list)                \
	{                          \
		list, sizeof(list) \
	}

static const struct {
	const uint8_t *list;
	size_t count;
} versions[] = {
	/* Sources of 1.15, 1.17.13, 1.18 and 1.19, which agree; so 1.16 does. */
	[15] = WHOLE(list_1_15), [16] = WHOLE(list_1_15),
	[17] = WHOLE(list_1_15), [18] = WHOLE(list_1_15),
	[19] = WHOLE(list_1_15), [20] = {list_1_20, 32}, /* source of 1.20.6 */
	[21] = {list_1_20, 32},  [22] = {list_1_20, 37},
	[23] = WHOLE(list_1_20), [24] = WHOLE(list_1_24),
	[25] = WHOLE(list_1_25), [26] = WHOLE(list_1_26),
};

void go_wait_reasons_of_version(const struct go_version *version, struct go_wait_reasons *out)
{
	memset(out, 0, sizeof(*out));
	if (version->development || version->minor >= sizeof(versions) / sizeof(versions[0]))
		return;
	out->count = versions[version->minor].count;
	for (size_t i = 0; i < out->count; i++)
		snprintf(out->texts[i], sizeof(out->texts[i]), "%s",
			 texts[versions[version->minor].list[i]]);
}

const char *go_wait_reason_name(const char *text)
{
	/* What each text behind NAMES says since 1.25. */
	static const enum reason newer[] = {
		[CHAN_RECEIVE_SYNCTEST - NAMES] = CHAN_RECEIVE_DURABLE,
		[CHAN_SEND_SYNCTEST - NAMES] = CHAN_SEND_DURABLE,
		[SELECT_SYNCTEST - NAMES] = SELECT_DURABLE,
	};

	for (size_t i = 0; i < REASONS; i++) {
		if (strcmp(texts[i], text) == 0)
			return names[i < NAMES ? i : newer[i - NAMES]];
	}
	return names[OTHER];
}

bool go_wait_reason_is_semaphore(const char *name)
{
	/* What semacquire1() is called with, src/runtime/sema.go. */
	static const enum reason reasons[] = {
		SEMACQUIRE,        SYNC_MUTEX_LOCK,     SYNC_RWMUTEX_RLOCK,
		SYNC_RWMUTEX_LOCK, SYNC_WAITGROUP_WAIT, SYNC_WAITGROUP_WAIT_DURABLE,
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(names[reasons[i]], name) == 0)
			return true;
	return false;
}

size_t go_wait_reason_names(const char *const **out)
{
	*out = names;
	return NAMES;
}
