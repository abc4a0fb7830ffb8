/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The same as mutex_contention with priority inheritance: FUTEX_LOCK_PI in the kernel. */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static uint64_t threads = 4;
static pthread_mutex_t contended;

TARGET_FRAME static void wait_for_pi_mutex(struct rounds_worker *worker)
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
	struct rounds rounds = {
		.prepare = prepare, .release = release, .sleep_while_holding = true};

	pthread_mutexattr_t attributes;

	target_start(argc, argv, options, 2);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&contended, &attributes);
	/* glibc finds out only when it locks: the kernel may lack CONFIG_FUTEX_PI. */
	if (pthread_mutex_lock(&contended) != 0) {
		target_unsupported("pi_mutex");
		target_ready();
		return 0;
	}
	pthread_mutex_unlock(&contended);
	rounds.count = threads;
	rounds.workers = calloc(threads, sizeof(*rounds.workers));
	if (!rounds.workers)
		target_die("no memory");
	for (size_t i = 0; i < threads; i++) {
		struct rounds_worker *worker = &rounds.workers[i];

		snprintf(worker->name, sizeof(worker->name), "pi_%zu", i % 1000000);
		worker->wait = wait_for_pi_mutex;
		worker->syscall_number = SYS_futex;
		worker->first_argument = (uintptr_t)&contended;
	}
	rounds_main(&rounds);
}
