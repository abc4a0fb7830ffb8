/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rounds of waits that certainly block. Each worker stands in read() of its own eventfd (the token)
 * until the main thread hands it one; then it enters the wait that is counted. The main thread
 * releases the wait only when every worker is proved to sleep in it, and starts the next round only
 * when every worker is proved to sleep on its token again. So a run of N rounds has exactly N
 * counted waits and N token waits per worker, and nothing else touches the counted primitive.
 *
 * rounds=0 (the default) holds the workers in the wait from "ready" on; then "go" releases them to
 * their tokens, and the next "go" holds them again. rounds=N has them on their tokens at "ready"
 * and runs on "go".
 */
#ifndef TESTS_TARGETS_ROUNDS_H
#define TESTS_TARGETS_ROUNDS_H

#include "target.h"

#include <stdatomic.h>

struct rounds_worker {
	char name[16];
	void (*wait)(struct rounds_worker *worker); /* blocks once */
	uint64_t syscall_number;                    /* where the wait sleeps */
	uint64_t first_argument;                    /* of that system call, or TARGET_ANY */
	size_t index;
	uint32_t word; /* for waits on a raw futex */

	/* Filled by rounds.c. */
	pid_t tid;
	int token_fd;
	_Atomic uint64_t waits;
	_Atomic uint64_t blocked_ns;
	_Atomic uint64_t switches; /* voluntary switches within the waits */
};

struct rounds {
	struct rounds_worker *workers;
	size_t count;
	void (*prepare)(struct rounds *rounds); /* before the tokens; may be NULL */
	void (*release)(struct rounds *rounds); /* every worker sleeps in its wait */
	void (*report)(void);                   /* further counters; may be NULL */
	/*
	 * The kernel lets the first waiter of a PI futex spin while the owner is on a CPU, so an
	 * owner that watches for it must sleep in between.
	 */
	bool sleep_while_holding;
};

extern uint64_t rounds_option;

/* Starts the workers, says ready, serves commands and never returns. */
void rounds_main(struct rounds *rounds) __attribute__((noreturn));

/* For release(): until this worker stands on its token again. */
void rounds_wait_back(const struct rounds_worker *worker);

#endif
