/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tracer costs everybody else: the time of a system call that does nothing. "go" measures,
 * as often as it is sent.
 */
#include "target.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t calls = 1000000;
static uint64_t batches = 10;
static uint64_t measured;
static double ns_per_call;

TARGET_FRAME static double run_batch(void)
{
	uint64_t begin_ns = target_now_ns();

	for (uint64_t i = 0; i < calls; i++)
		syscall(SYS_getppid);
	return (double)(target_now_ns() - begin_ns) / (double)calls;
}

static void report(void)
{
	target_print("measured", measured);
	target_print("calls", measured * batches * calls);
	printf("ns_per_call=%.2f\n", ns_per_call);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"calls", &calls}, {"batches", &batches}};

	target_start(argc, argv, options, 2);
	if (!calls)
		target_die("calls must not be 0");
	target_on_report(report);
	target_print("threads", 0);
	target_ready();
	for (;;) {
		enum target_event event = target_next(-1);

		if (event == TARGET_QUIT)
			target_finish();
		if (event != TARGET_GO)
			continue;
		for (uint64_t i = 0; i < batches; i++) {
			double batch = run_batch();

			if (i == 0 || batch < ns_per_call)
				ns_per_call = batch;
		}
		measured++;
		report();
		target_done();
	}
}
