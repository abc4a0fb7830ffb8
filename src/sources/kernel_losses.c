// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/kernel_losses.h"

static const char *const causes[LOSS_COUNT] = {
	[LOSS_NO_RECORD] = "thread_record_missing",  [LOSS_RECORD_CREATE] = "thread_records_full",
	[LOSS_MISSED_END] = "wait_end_missed",       [LOSS_REASON_OVERFLOW] = "thread_reasons_full",
	[LOSS_STACK_CAPTURE] = "stack_not_captured", [LOSS_STACK_MAP_FULL] = "stack_map_full",
	[LOSS_SITE_MAP_FULL] = "wait_site_map_full", [LOSS_EVENTS_FULL] = "events_full",
	[LOSS_EXEC_RECORD] = "exec_by_other_thread",
};

bool kernel_losses_collect(const struct tracer *tracer, struct losses *losses)
{
	uint64_t totals[LOSS_COUNT];
	uint64_t before = losses_interval_of(losses, causes[LOSS_STACK_MAP_FULL]);

	if (tracer_losses(tracer, totals)) {
		losses_add(losses, "losses_unreadable", 1);
		return false;
	}
	for (int cause = 0; cause < LOSS_COUNT; cause++)
		losses_set_total(losses, causes[cause], totals[cause]);
	losses_set_total(losses, "kernel_recursion", tracer_recursion_misses(tracer));
	return losses_interval_of(losses, causes[LOSS_STACK_MAP_FULL]) > before;
}
