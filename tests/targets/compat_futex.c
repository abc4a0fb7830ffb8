/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A 64-bit program whose threads wait through the 32-bit system call gate: futex is number 240
 * there, with its arguments in ebx, ecx, edx, esi, and the word must be below 4 GiB.
 */
#include "rounds.h"

#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NUMBER_GETPID_32 20
#define NUMBER_FUTEX_32  240
#define MAX_THREADS      64

static uint64_t threads = 2;
static uint32_t *words; /* one per thread, one cache line apart */
static sigjmp_buf no_gate;

static long int80(long number, long first, long second, long third, long fourth)
{
	long result;

	/* Kernels before 4.16 clear r8 to r11. */
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth)
			 : "r8", "r9", "r10", "r11", "memory", "cc");
	return (int)result;
}

static uint32_t *word_of(size_t index)
{
	return words + index * 16;
}

TARGET_FRAME static void wait_compat(struct rounds_worker *worker)
{
	uint32_t *word = word_of(worker->index);
	long result = int80(NUMBER_FUTEX_32, (long)(uintptr_t)word, FUTEX_WAIT_PRIVATE, 0, 0);

	if (result || !__atomic_exchange_n(word, 0, __ATOMIC_ACQ_REL))
		target_die("compat futex: %ld", result);
}

static void release(struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->count; i++) {
		uint32_t *word = word_of(i);

		__atomic_store_n(word, 1, __ATOMIC_RELEASE);
		if (int80(NUMBER_FUTEX_32, (long)(uintptr_t)word, FUTEX_WAKE_PRIVATE, 1, 0) != 1)
			target_die("compat wake");
	}
}

static void on_fault(int number)
{
	(void)number;
	siglongjmp(no_gate, 1);
}

static bool gate_works(void)
{
	const struct sigaction action = {.sa_handler = on_fault};
	struct sigaction old;
	bool works = false;

	sigaction(SIGSEGV, &action, &old);
	if (!sigsetjmp(no_gate, 1))
		works = int80(NUMBER_GETPID_32, 0, 0, 0, 0) == getpid();
	sigaction(SIGSEGV, &old, NULL);
	return works;
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"threads", &threads}, {"rounds", &rounds_option}};
	static struct rounds_worker workers[MAX_THREADS];
	struct rounds rounds = {.workers = workers, .release = release};

	target_start(argc, argv, options, 2);
	if (threads > MAX_THREADS)
		target_die("at most %d threads", MAX_THREADS);
	if (!gate_works()) {
		target_unsupported("int80");
		target_ready();
		return 0;
	}
	words = mmap(NULL, MAX_THREADS * 64, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (words == MAP_FAILED)
		target_die("mmap: %m");
	rounds.count = threads;
	for (size_t i = 0; i < threads; i++) {
		snprintf(workers[i].name, sizeof(workers[i].name), "compat_%zu", i % 100);
		workers[i].wait = wait_compat;
		workers[i].syscall_number = NUMBER_FUTEX_32;
		workers[i].first_argument = (uintptr_t)word_of(i);
	}
	rounds_main(&rounds);
}
