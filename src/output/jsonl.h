/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_H
#define PARKSCOPE_OUTPUT_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/dump_diff.h"
#include "model/report.h"
#include "output/run.h"
#include "output/sink.h"

/*
 * One JSON object a line, as doc/schema.json says. Which records a report
 * writes: emission.h. Everything a process says is escaped; lines are ASCII.
 * `seq` counts records that were made, so that one which could not be written
 * leaves a gap.
 */

/* The version of doc/schema.json. */
#define JSONL_SCHEMA_VERSION "1.4"
/* The ECS release whose names we use. */
#define JSONL_ECS_VERSION "8.11.0"

struct jsonl_feature {
	const char *name;
	bool available;
};

/* A view that must outlive the jsonl. */
struct jsonl_config {
	const char *command; /* "watch", "dump", "diff" or "replay" */
	const char *version; /* of the tool */
	const char *hostname;
	const char *run_id;
	bool full;    /* --full; `dump` writes everything anyway */
	bool verbose; /* own cost with each report */
	size_t top;   /* sites of each kind and unit of a process in one report; 0: no limit */
	enum shown_units units;
	size_t features_count;
	const struct jsonl_feature *features;
	size_t degraded_count;
	const char *const *degraded; /* sentences: what does not work here and why */
};

struct jsonl;

/* The sink must outlive it. NULL without memory. */
struct jsonl *jsonl_new(const struct jsonl_config *config, struct sink *sink);
void jsonl_free(struct jsonl *jsonl);
define_auto_free(jsonl)

/* Each returns 0, -ENOMEM or what sink_write() says. */
int jsonl_start(struct jsonl *jsonl, int64_t wall_ns, struct error *error);
int jsonl_report(struct jsonl *jsonl, const struct report *report, struct error *error);
int jsonl_end(struct jsonl *jsonl, const struct run_end *end, struct error *error);

/*
 * The records of a difference, which are a run without start and end: one for each process, then
 * its sites that differ (with `full`: all), at most `top` of each unit.
 */
int jsonl_diff(struct jsonl *jsonl, const struct dump_diff *diff, const struct dump *old,
	       const struct dump *new_dump, struct error *error);

#endif
