// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/run.h"

void run_totals_add(struct run_totals *totals, const struct report *report)
{
	uint64_t present = 0;

	for (size_t i = 0; i < report->processes_count; i++) {
		const struct watched_process *process = report->processes[i];

		if (process->ended)
			totals->ended_processes++;
		else
			present++;
		totals->births += process->threads.born - process->threads.reported.born;
		totals->exits += process->threads.exited - process->threads.reported.exited;
		totals->goroutine_births +=
			process->goroutines.born - process->goroutines.reported.born;
		totals->goroutine_exits +=
			process->goroutines.exited - process->goroutines.reported.exited;
		for (size_t j = 0; j < process->reasons_count; j++)
			totals->waits +=
				process->reasons[j].count - process->reasons[j].reported.count;
	}
	totals->processes = totals->ended_processes + present;
}
