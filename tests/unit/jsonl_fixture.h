/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_JSONL_FIXTURE_H
#define PARKSCOPE_TESTS_JSONL_FIXTURE_H

/* A report of one process as JSON Lines in a file, read back and validated. */

#include <jansson.h>
#include <spawn.h>
#include <sys/wait.h>

#include "model_builder.h"
#include "output/jsonl.h"
#include "scratch_file.h"

struct fixture {
	struct scratch scratch;
	struct sink *sink;
	struct jsonl *jsonl;
	struct losses losses;
	struct watched_process *process;
	struct watched_process *processes[1];
	struct report report;
	json_t *records; /* what was read back */
};

static const struct jsonl_feature features[] = {{"task_storage", true}, {"signals", false}};
static const char *const degraded[] = {"no task storage: slower"};

static inline struct fixture *fixture_new_verbose(const char *command, bool full, size_t top,
						  bool verbose)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct jsonl_config config = {
		.command = command,
		.version = "0.1.0",
		.hostname = "host-1",
		.run_id = "run-1",
		.full = full,
		.verbose = verbose,
		.top = top,
		.features_count = 2,
		.features = features,
		.degraded_count = 1,
		.degraded = degraded,
	};

	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(sink_open(fixture->scratch.file, &fixture->sink, NULL), 0);
	fixture->jsonl = jsonl_new(&config, fixture->sink);
	assert_non_null(fixture->jsonl);
	fixture->process = build_process(4711, "target");
	fixture->processes[0] = fixture->process;
	fixture->report = (struct report){
		.wall_ns = 1790000000123000000,
		.now_ns = 5 * SECOND_NS,
		.interval_s = 5,
		.watched_s = 5,
		.events = true,
		.processes_count = 1,
		.processes = fixture->processes,
		.losses = &fixture->losses,
		.cost = {.cpu_seconds = 0.5,
			 .bpf_seconds = 0.25,
			 .bpf_runs = 10,
			 .rss_bytes = 99,
			 .map_bytes = 4096,
			 .sweep_seconds = 0.125},
	};
	return fixture;
}

static inline struct fixture *fixture_new(const char *command, bool full, size_t top)
{
	return fixture_new_verbose(command, full, top, false);
}

static inline void fixture_free(struct fixture *fixture)
{
	json_decref(fixture->records);
	jsonl_free(fixture->jsonl);
	sink_free(fixture->sink);
	watched_process_free(fixture->process);
	scratch_remove(&fixture->scratch);
	free(fixture);
}

static inline void report(struct fixture *fixture)
{
	assert_int_equal(jsonl_report(fixture->jsonl, &fixture->report, NULL), 0);
	watched_process_end_report(fixture->process);
	losses_end_report(&fixture->losses);
}

static inline void end(struct fixture *fixture)
{
	const struct run_end run_end = {
		.wall_ns = 1790000009000000000,
		.watched_s = 9,
		.reason = "count",
		.losses = &fixture->losses,
		.cost = &fixture->report.cost,
	};

	assert_int_equal(jsonl_end(fixture->jsonl, &run_end, NULL), 0);
}

/* Reads every line back; each must be one JSON object in ASCII. */
static inline void read_back(struct fixture *fixture)
{
	char *text = scratch_read(fixture->scratch.file);
	char *rest = text;

	json_decref(fixture->records);
	fixture->records = json_array();
	for (const char *byte = text; *byte; byte++)
		assert_true(*byte == '\n' || (*byte >= ' ' && *byte <= '~'));
	while (*rest) {
		char *end_of_line = strchr(rest, '\n');
		json_t *record;

		assert_non_null(end_of_line);
		*end_of_line = '\0';
		record = json_loads(rest, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(record);
		assert_true(json_is_object(record));
		json_array_append_new(fixture->records, record);
		rest = end_of_line + 1;
	}
	free(text);
}

/* The field "a.b.c" of a record; "x/y.z" where a name has a dot is not needed. */
static inline json_t *at(json_t *value, const char *path)
{
	char names[128];
	char *rest = names, *name;

	snprintf(names, sizeof(names), "%s", path);
	while ((name = strsep(&rest, ".")))
		value = json_object_get(value, name);
	return value;
}

static inline void assert_text(json_t *record, const char *path, const char *expected)
{
	assert_non_null(json_string_value(at(record, path)));
	assert_string_equal(json_string_value(at(record, path)), expected);
}

static inline void assert_count(json_t *record, const char *path, json_int_t expected)
{
	assert_true(json_is_integer(at(record, path)));
	assert_int_equal(json_integer_value(at(record, path)), expected);
}

static inline void assert_real(json_t *record, const char *path, double expected)
{
	double value = json_real_value(at(record, path));

	assert_true(json_is_real(at(record, path)));
	assert_true(value > expected - 1e-9 && value < expected + 1e-9);
}

/* The record number `index` of a dataset, or NULL. */
static inline json_t *record_of(struct fixture *fixture, const char *dataset, size_t index)
{
	json_t *record;
	size_t i;

	json_array_foreach(
		fixture->records, i,
		record) if (strcmp(json_string_value(at(record, "event.dataset")), dataset) == 0 &&
			    index-- == 0) return record;
	return NULL;
}

/* Exit status of validate-jsonl. */
static inline int validate(const char *path)
{
	char *const arguments[] = {(char *)VALIDATE_JSONL, (char *)path, NULL};
	char *const environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	int status;
	pid_t pid;

	fflush(stdout);
	assert_int_equal(posix_spawn(&pid, VALIDATE_JSONL, NULL, NULL, arguments, environment), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline void assert_valid(const struct fixture *fixture)
{
	/* 3: python3-jsonschema is missing. */
	assert_int_equal(validate(fixture->scratch.file), 0);
}

static inline struct site *park(struct fixture *fixture, const char *name, uint64_t count)
{
	struct site *site = build_site(fixture->process, SITE_PARK, "futex",
				       build_stack("__futex_wait@libc.so.6", name, "main", NULL));

	sweep_site(site, count, 1500000000, fixture->report.now_ns);
	return site;
}

#endif
