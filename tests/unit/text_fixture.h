/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_TEXT_FIXTURE_H
#define PARKSCOPE_TESTS_TEXT_FIXTURE_H

/* A report that the text format writes to a file; tests add processes. */

#include <string.h>

#include "model_builder.h"
#include "output/escape.h"
#include "output/text.h"
#include "scratch_file.h"

struct fixture {
	struct scratch scratch;
	struct sink *sink;
	struct text *text;
	struct losses losses;
	struct watched_process *processes[16];
	struct report report;
};

static inline struct fixture *fixture_new(const struct text_config *config)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(sink_open(fixture->scratch.file, &fixture->sink, NULL), 0);
	fixture->text = text_new(config, fixture->sink);
	assert_non_null(fixture->text);
	fixture->report = (struct report){
		.wall_ns = 1790000000123000000,
		.now_ns = 4 * SECOND_NS,
		.interval_s = 2,
		.watched_s = 4,
		.events = true,
		.processes = fixture->processes,
		.losses = &fixture->losses,
		.cost = {.cpu_seconds = 0.5,
			 .bpf_seconds = 0.25,
			 .bpf_runs = 12345,
			 .rss_bytes = 12897485,
			 .sweep_seconds = 0.0032},
	};
	return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
	text_free(fixture->text);
	sink_free(fixture->sink);
	for (size_t i = 0; i < fixture->report.processes_count; i++)
		watched_process_free(fixture->processes[i]);
	scratch_remove(&fixture->scratch);
	free(fixture);
}

static inline struct watched_process *add_process(struct fixture *fixture, uint32_t pid,
						  const char *name, uint64_t before, uint64_t now)
{
	struct watched_process *process = build_process(pid, name);

	process->threads.rate_per_minute = 30 * ((double)now - (double)before);
	process->threads.now = now;
	process->threads.born = now - before;
	fixture->processes[fixture->report.processes_count++] = process;
	return process;
}

static inline void assert_report(struct fixture *fixture, const char *expected)
{
	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	assert_file(fixture->scratch.file, expected);
}

/* Every line at most `width` columns, none with trailing blanks, nothing but text. */
static inline void assert_layout(struct fixture *fixture, size_t width)
{
	char *text, *rest, *line;

	assert_int_equal(text_report(fixture->text, &fixture->report, NULL), 0);
	text = rest = scratch_read(fixture->scratch.file);
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);

		if (escape_columns(line) > width)
			fail_msg("%zu columns: %s", escape_columns(line), line);
		assert_true(!length || line[length - 1] != ' ');
		for (size_t i = 0; i < length; i++)
			assert_true((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
	}
	free(text);
}

#endif
