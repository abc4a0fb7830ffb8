/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two waits that are not FUTEX_WAIT: one thread in futex_waitv() on three words (woken by another
 * word each round), one in FUTEX_WAIT_REQUEUE_PI, moved by FUTEX_CMP_REQUEUE_PI to a PI futex that
 * nobody holds, which it then owns. waitv=0 leaves only the second, for kernels before 5.16.
 */
#include "rounds.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define WORDS 3

/* linux/futex.h has these only since 5.16. */
struct waitv_entry {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};
#define WAITV_U32_PRIVATE (2 | FUTEX_PRIVATE_FLAG)

static uint64_t use_waitv = 1;
static uint32_t words[WORDS];
static uint64_t turn;
static struct waitv_entry entries[WORDS];
static uint32_t condition_word;
static uint32_t pi_word;

TARGET_FRAME static void wait_for_any_word(struct rounds_worker *worker)
{
	long index = syscall(SYS_futex_waitv, entries, WORDS, 0, NULL, 0);

	if (index != (long)(turn % WORDS))
		target_die("%s: futex_waitv: %ld: %m", worker->name, index);
}

TARGET_FRAME static void wait_for_requeue(struct rounds_worker *worker)
{
	uint32_t own = (uint32_t)target_gettid();

	if (syscall(SYS_futex, &condition_word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &pi_word,
		    0) < 0)
		target_die("%s: FUTEX_WAIT_REQUEUE_PI: %m", worker->name);
	if (!__atomic_compare_exchange_n(&pi_word, &own, 0, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED) &&
	    syscall(SYS_futex, &pi_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) < 0)
		target_die("%s: FUTEX_UNLOCK_PI: %m", worker->name);
}

static void release(struct rounds *rounds)
{
	/* One to wake, none to requeue beyond it; the kernel makes the waiter the owner. */
	long moved = syscall(SYS_futex, &condition_word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0UL,
			     &pi_word, 0);

	if (moved != 1)
		target_die("FUTEX_CMP_REQUEUE_PI: %ld: %m", moved);
	rounds_wait_back(&rounds->workers[0]);
	if (rounds->count > 1) {
		target_futex_wake(&words[turn % WORDS], 1);
		rounds_wait_back(&rounds->workers[1]);
		turn++;
	}
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"waitv", &use_waitv}, {"rounds", &rounds_option}};
	struct rounds_worker workers[] = {
		{.name = "requeue_pi",
		 .wait = wait_for_requeue,
		 .syscall_number = SYS_futex,
		 .first_argument = (uintptr_t)&condition_word},
		{.name = "waitv",
		 .wait = wait_for_any_word,
		 .syscall_number = SYS_futex_waitv,
		 .first_argument = (uintptr_t)entries},
	};
	struct rounds rounds = {.workers = workers, .count = use_waitv ? 2 : 1, .release = release};

	target_start(argc, argv, options, 2);
	rounds.count = use_waitv ? 2 : 1;
	for (int i = 0; i < WORDS; i++) {
		entries[i].address = (uintptr_t)&words[i];
		entries[i].flags = WAITV_U32_PRIVATE;
	}
	/* No entries is invalid where the call exists. */
	if (use_waitv && syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) < 0 && errno == ENOSYS) {
		target_unsupported("futex_waitv");
		target_ready();
		return 0;
	}
	rounds_main(&rounds);
}
