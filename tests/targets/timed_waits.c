/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waits that all time out: each thread waits `count` times (0: for ever) `ms` on a condition
 * variable of its own, below `frames` frames. A wait counts in `waits` only if the thread's own
 * voluntary switches say that it blocked, because a thread that is preempted past its deadline
 * finds it over and never sleeps.
 */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t condition;
	pid_t tid;
	_Atomic uint64_t calls;
	_Atomic uint64_t waits;
	_Atomic uint64_t blocked_ns;
	_Atomic uint64_t switches;
};

static uint64_t threads = 2;
static uint64_t count = 100;
static uint64_t ms = 10;
static uint64_t frames;
static struct waiter *waiters;
static _Atomic uint64_t finished;
static struct target_gate start_gate, end_gate;

TARGET_FRAME static void wait_until_timeout(struct waiter *self)
{
	uint64_t begin_switches = target_switches();
	uint64_t begin_ns = target_now_ns();
	uint64_t deadline_ns = begin_ns + ms * 1000000;
	const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
					  .tv_nsec = (long)(deadline_ns % 1000000000)};
	uint64_t switches;
	int result = pthread_cond_timedwait(&self->condition, &self->lock, &deadline);

	self->blocked_ns += target_now_ns() - begin_ns;
	switches = target_switches() - begin_switches;
	self->switches += switches;
	self->waits += switches != 0;
	self->calls++;
	if (result != ETIMEDOUT)
		target_die("pthread_cond_timedwait: %d", result);
}

static void *wait_often(void *argument)
{
	struct waiter *self = argument;

	pthread_mutex_lock(&self->lock);
	for (uint64_t i = 0; !count || i < count; i++)
		wait_until_timeout(self);
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

static void *wait_from_start_to_end(void *argument)
{
	target_gate_pass(&start_gate);
	target_call_below(frames, wait_often, argument);
	if (++finished == threads)
		target_notify();
	target_gate_pass(&end_gate);
	return NULL;
}

static void report(void)
{
	uint64_t waits = 0, blocked_ns = 0, switches = 0, calls = 0;

	for (uint64_t i = 0; i < threads; i++) {
		struct waiter *waiter = &waiters[i];

		printf("thread=timed tid=%d waits=%" PRIu64 " blocked_ns=%" PRIu64
		       " switches=%" PRIu64 "\n",
		       waiter->tid, waiter->waits, waiter->blocked_ns, waiter->switches);
		waits += waiter->waits;
		blocked_ns += waiter->blocked_ns;
		switches += waiter->switches;
		calls += waiter->calls;
	}
	target_print("calls", calls);
	target_print("waits", waits);
	target_print("blocked_ns", blocked_ns);
	target_print("switches", switches);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {
		{"threads", &threads}, {"count", &count}, {"ms", &ms}, {"frames", &frames}};
	pthread_condattr_t attributes;

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	waiters = calloc(threads, sizeof(*waiters));
	if (!waiters)
		target_die("no memory");
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	target_on_report(report);
	target_gate_init(&start_gate);
	target_gate_init(&end_gate);
	for (uint64_t i = 0; i < threads; i++) {
		pthread_mutex_init(&waiters[i].lock, NULL);
		pthread_cond_init(&waiters[i].condition, &attributes);
		waiters[i].tid =
			target_thread("timed", 0, NULL, wait_from_start_to_end, &waiters[i]);
		target_gate_wait_held(&start_gate, waiters[i].tid);
		printf("thread=timed tid=%d\n", waiters[i].tid);
	}
	target_print("threads", threads);
	target_ready();

	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			target_gate_open(&start_gate);
			break;
		case TARGET_NOTIFIED:
			for (uint64_t i = 0; i < threads; i++)
				target_gate_wait_held(&end_gate, waiters[i].tid);
			target_done();
			break;
		default:
			break;
		}
	}
}
