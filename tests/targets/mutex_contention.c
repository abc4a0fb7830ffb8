/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads wait for a mutex that main holds until all of them sleep. */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static uint64_t threads = 4;
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

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"threads", &threads}, {"rounds", &rounds_option}};
	struct rounds rounds = {.prepare = prepare, .release = release};

	target_start(argc, argv, options, 2);
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
