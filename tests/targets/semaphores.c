/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads in sem_wait and, every second one, in sem_timedwait with a deadline that never comes. */
#include "rounds.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

static uint64_t threads = 4;
static sem_t semaphore;

TARGET_FRAME static void wait_for_semaphore(struct rounds_worker *worker)
{
	(void)worker;
	if (sem_wait(&semaphore) < 0)
		target_die("sem_wait: %m");
	target_keep_frame();
}

TARGET_FRAME static void wait_for_semaphore_timed(struct rounds_worker *worker)
{
	struct timespec deadline;

	(void)worker;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 7 * 24 * 3600;
	if (sem_timedwait(&semaphore, &deadline) < 0)
		target_die("sem_timedwait: %m");
	target_keep_frame();
}

static void release(struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->count; i++)
		sem_post(&semaphore);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"threads", &threads}, {"rounds", &rounds_option}};
	struct rounds rounds = {.release = release};

	target_start(argc, argv, options, 2);
	sem_init(&semaphore, 0, 0);
	rounds.count = threads;
	rounds.workers = calloc(threads, sizeof(*rounds.workers));
	if (!rounds.workers)
		target_die("no memory");
	for (size_t i = 0; i < threads; i++) {
		struct rounds_worker *worker = &rounds.workers[i];
		bool timed = i % 2;

		snprintf(worker->name, sizeof(worker->name), "%s_%zu", timed ? "timed" : "sem",
			 i % 1000000);
		worker->wait = timed ? wait_for_semaphore_timed : wait_for_semaphore;
		worker->syscall_number = SYS_futex;
		/* Where in sem_t the futex word is, is glibc's business. */
		worker->first_argument = TARGET_ANY;
	}
	rounds_main(&rounds);
}
