/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ends `ms` after its start, whatever happens, with `threads` parked: a PID that goes away while
 * somebody attaches to it. */
#include "target.h"

static uint64_t ms = 100;
static uint64_t threads = 4;
static struct target_gate gate;

static void *stand(void *argument)
{
	target_gate_pass(&gate);
	return argument;
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"ms", &ms}, {"threads", &threads}};
	uint64_t start_ns = target_now_ns();
	enum target_event event;

	target_start(argc, argv, options, 2);
	target_gate_init(&gate);
	for (uint64_t i = 0; i < threads; i++)
		target_gate_wait_held(&gate,
				      target_thread("short_lived", 128 * 1024, NULL, stand, NULL));
	target_print("threads", threads);
	target_ready();
	do
		event = target_next((int64_t)(start_ns + ms * 1000000));
	while (event != TARGET_TIMEOUT && event != TARGET_QUIT);
	target_finish();
}
