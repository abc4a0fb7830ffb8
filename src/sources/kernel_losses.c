// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/kernel_losses.h"

static const char *const causes[LOSS_COUNT] = {
	[LOSS_NO_RECORD] = "thread_record_missing",
	[LOSS_RECORD_CREATE] = "thread_records_full",
	[LOSS_MISSED_END] = "wait_end_missed",
	[LOSS_REASON_OVERFLOW] = "thread_reasons_full",
	[LOSS_STACK_CAPTURE] = "stack_not_captured",
	[LOSS_STACK_MAP_FULL] = "stack_map_full",
	[LOSS_SITE_MAP_FULL] = "wait_site_map_full",
	[LOSS_EVENTS_FULL] = "events_full",
	[LOSS_EXEC_RECORD] = "exec_by_other_thread",
	[LOSS_STACK_COLLISION] = "stack_id_collision",
	[LOSS_STACK_CUT + UNWIND_GOES_ON] = "stack_cut",
	[LOSS_STACK_CUT + UNWIND_END_OUTERMOST] = "stack_cut",
	[LOSS_STACK_CUT + UNWIND_END_UNSUPPORTED] = "stack_cut_unsupported_rule",
	[LOSS_STACK_CUT + UNWIND_END_MEMORY] = "stack_cut_memory",
	[LOSS_STACK_CUT + UNWIND_END_BAD_FRAME] = "stack_cut_bad_frame",
	[LOSS_STACK_CUT + UNWIND_END_NO_CODE] = "stack_cut_no_code",
	[LOSS_STACK_CUT + UNWIND_END_NO_TABLE] = "stack_cut_no_table",
	[LOSS_STACK_CUT + UNWIND_END_NO_CFI] = "stack_cut_no_cfi",
	[LOSS_STACK_CUT + UNWIND_END_32BIT] = "stack_cut_32bit",
	[LOSS_STACK_CUT + UNWIND_END_TOO_DEEP] = "stack_cut_too_deep",
	[LOSS_STACK_CUT + UNWIND_END_TOO_SLOW] = "stack_cut_too_slow",
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
