/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads wait for a mutex that main holds until all of them sleep. With free=1 they fight for it
 * by themselves from the start, without end, and each holds it for about `hold_ns`: for
 * measurements.
 */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static uint64_t threads = 4;
static uint64_t free_running;
static uint64_t hold_ns = 1000;
static uint64_t acquired; /* by whom the mutex is held */
static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;

TARGET_FRAME static void wait_for_mutex(struct rounds_worker *worker)
{
	(void)worker;
	pthread_mutex_lock(&contended);
	pthread_mutex_unlock(&contended);
	target_keep_frame();
}

static void prepare(struct rounds *rounds)
{
	(void)rounds;
	pthread_mutex_lock(&contended);
}

static void release(struct rounds *rounds)
{
	(void)rounds;
	pthread_mutex_unlock(&contended);
}

static void *fight(void *argument)
{
	for (;;) {
		uint64_t end_ns;

		pthread_mutex_lock(&contended);
		end_ns = target_now_ns() + hold_ns;
		while (target_now_ns() < end_ns)
			;
		__atomic_store_n(&acquired, acquired + 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&contended);
	}
	return argument;
}

static void report(void)
{
	target_print("acquired", __atomic_load_n(&acquired, __ATOMIC_RELAXED));
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"threads", &threads},
						{"rounds", &rounds_option},
						{"free", &free_running},
						{"hold_ns", &hold_ns}};
	struct rounds rounds = {.prepare = prepare, .release = release};

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	if (free_running) {
		target_on_report(report);
		for (uint64_t i = 0; i < threads; i++)
			target_thread("mutex_free", 0, NULL, fight, NULL);
		target_print("threads", threads);
		target_ready();
		target_stand();
	}
	rounds.count = threads;
	rounds.workers = calloc(threads, sizeof(*rounds.workers));
	if (!rounds.workers)
		target_die("no memory");
	for (size_t i = 0; i < threads; i++) {
		struct rounds_worker *worker = &rounds.workers[i];

		snprintf(worker->name, sizeof(worker->name), "mutex_%zu", i % 1000000);
		worker->wait = wait_for_mutex;
		worker->syscall_number = SYS_futex;
		worker->first_argument = (uintptr_t)&contended;
	}
	rounds_main(&rounds);
}
