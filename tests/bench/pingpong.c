// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pingpong SECONDS [CPU CPU]: two threads, each pinned to a CPU, hand a token to and fro by
 * futexes, and every hand-over blocks: two waits and two wakes a round trip. Prints the
 * median over slices of 2,000 round trips, in ns.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUND_TRIPS 2000
#define SLICES_MAX  65536

static _Alignas(64) uint32_t ping;
static _Alignas(64) uint32_t pong;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("pingpong: sched_setaffinity");
		exit(1);
	}
}

static void give(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void take(uint32_t *word)
{
	while (!__atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *answer(void *cpu)
{
	pin(*(int *)cpu);
	for (;;) {
		take(&ping);
		give(&pong);
	}
	return NULL;
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

int main(int argc, char **argv)
{
	static uint64_t slices[SLICES_MAX];
	uint64_t end_ns, begin_ns;
	int cpus[2] = {0, 1};
	size_t count = 0;
	pthread_t thread;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: pingpong SECONDS [CPU CPU]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		cpus[i - 2] = atoi(argv[i]);
	errno = pthread_create(&thread, NULL, answer, &cpus[1]);
	if (errno) {
		perror("pingpong: pthread_create");
		return 1;
	}
	pin(cpus[0]);
	begin_ns = now_ns();
	end_ns = begin_ns + (uint64_t)(atof(argv[1]) * 1e9);
	while (begin_ns < end_ns && count < SLICES_MAX) {
		uint64_t after_ns;

		for (int i = 0; i < ROUND_TRIPS; i++) {
			give(&ping);
			take(&pong);
		}
		after_ns = now_ns();
		slices[count++] = (after_ns - begin_ns) / ROUND_TRIPS;
		begin_ns = after_ns;
	}
	qsort(slices, count, sizeof(slices[0]), compare);
	printf("%llu\n", (unsigned long long)slices[count / 2]);
	return 0;
}
