/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much of the CPUs nobody else wants: one thread on each, which runs only when the CPU would
 * idle, counts loops of a fixed length. What a tracer takes, in whatever context, is missing here.
 * `cpu_ns` is the time these threads ran: loops per such time say how fast the machine is just now.
 */
#include "target.h"

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* About 1 us, so that a counter is stored often enough to be read at any time. */
#define LOOP_STEPS 1000

struct counter {
	_Alignas(64) _Atomic uint64_t loops;
	pthread_t thread;
	size_t cpu;
};

static struct counter *counters;
static size_t count;
static struct target_gate start_gate;

static void *count_loops(void *argument)
{
	struct counter *counter = argument;
	const struct sched_param none = {0};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(counter->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_IDLE, &none))
		target_die("CPU %zu: %m", counter->cpu);
	target_gate_pass(&start_gate);
	for (;;) {
		for (volatile int i = 0; i < LOOP_STEPS; i++)
			;
		atomic_store_explicit(&counter->loops, counter->loops + 1, memory_order_relaxed);
	}
	return NULL;
}

static void report(void)
{
	uint64_t loops = 0, cpu_ns = 0;

	for (size_t i = 0; i < count; i++) {
		clockid_t clock;
		struct timespec time;

		if (pthread_getcpuclockid(counters[i].thread, &clock) ||
		    clock_gettime(clock, &time))
			target_die("clock of a thread: %m");
		cpu_ns += (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
		loops += counters[i].loops;
	}
	target_print("cpus", count);
	target_print("loops", loops);
	target_print("cpu_ns", cpu_ns);
}

int main(int argc, char **argv)
{
	cpu_set_t cpus;

	target_start(argc, argv, NULL, 0);
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		target_die("sched_getaffinity: %m");
	counters = aligned_alloc(64, (size_t)CPU_COUNT(&cpus) * sizeof(*counters));
	if (!counters)
		target_die("no memory");
	target_on_report(report);
	target_gate_init(&start_gate);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		struct counter *counter = &counters[count];

		if (!CPU_ISSET(cpu, &cpus))
			continue;
		*counter = (struct counter){.cpu = cpu};
		target_thread("spare_cpu", 0, &counter->thread, count_loops, counter);
		count++;
	}
	target_gate_open(&start_gate);
	target_print("threads", count);
	target_ready();
	target_stand();
}
