/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_RECORDING_FIXTURE_H
#define PARKSCOPE_TESTS_RECORDING_FIXTURE_H

/* A run of one or more processes that is recorded, sweep by sweep. */

#include "input/recording.h"
#include "model/site_sample.h"
#include "model_builder.h"
#include "output/recording.h"
#include "scratch_file.h"

#define OPENED_NS    (999999 * SECOND_NS)
#define BEGAN_UNIX_S 1790000000LL
#define PROCESSES    4

struct recorded_run {
	struct scratch scratch;
	struct recording *recording;
	struct losses losses;
	struct watched_process *processes[PROCESSES];
	size_t processes_count;
	uint64_t reported_ns;
};

static inline struct recording_start recording_start_of_run(void)
{
	return (struct recording_start){
		.wall_ns = BEGAN_UNIX_S * 1000000000,
		.opened_ns = OPENED_NS,
		.run_id = "00112233aabbccdd",
		.hostname = "host-1",
		.top = 10,
		.features_count = 2,
		.features = {{"task_storage", true}, {"map_files", false}},
	};
}

static inline struct recorded_run *recorded_run_new(void)
{
	struct recorded_run *run = calloc(1, sizeof(*run));
	const struct recording_start start = recording_start_of_run();

	assert_non_null(run);
	scratch_make(&run->scratch);
	assert_int_equal(recording_open(run->scratch.file, &run->recording, NULL), 0);
	assert_int_equal(recording_start(run->recording, &start, "0.1.0", NULL), 0);
	run->reported_ns = OPENED_NS;
	return run;
}

static inline void recorded_run_free(struct recorded_run *run)
{
	recording_free(run->recording);
	for (size_t i = 0; i < run->processes_count; i++)
		watched_process_free(run->processes[i]);
	scratch_remove(&run->scratch);
	free(run);
}

/* What `watch` makes of its sweep, `seconds` after it came. */
static inline struct report recorded_report(struct recorded_run *run, double seconds)
{
	uint64_t now_ns = OPENED_NS + (uint64_t)(seconds * 1e9);

	report_sort_processes(run->processes, run->processes_count);
	return (struct report){
		.wall_ns = BEGAN_UNIX_S * 1000000000 + (int64_t)(seconds * 1e9),
		.now_ns = now_ns,
		.opened_ns = OPENED_NS,
		.interval_s = (double)(now_ns - run->reported_ns) / 1e9,
		.watched_s = (double)(now_ns - OPENED_NS) / 1e9,
		.events = true,
		.processes_count = run->processes_count,
		.processes = run->processes,
		.losses = &run->losses,
	};
}

/* The report has been written. */
static inline void end_recorded_report(struct recorded_run *run, const struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->processes_count; i++) {
		watched_process_end_report(run->processes[i]);
		if (run->processes[i]->ended)
			watched_process_free(run->processes[i]);
		else
			run->processes[kept++] = run->processes[i];
	}
	run->processes_count = kept;
	losses_end_report(&run->losses);
	run->reported_ns = report->now_ns;
}

static inline void end_recording_of_run(struct recorded_run *run)
{
	assert_int_equal(
		recording_end(run->recording, "count", (BEGAN_UNIX_S + 1000) * 1000000000, NULL),
		0);
}

#endif
