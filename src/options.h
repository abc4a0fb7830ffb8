/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OPTIONS_H
#define PARKSCOPE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "host/features.h"
#include "model/report.h"
#include "model/verdict.h"

/*
 * The command line. One table describes every option: it feeds the parser,
 * --help and, through options_print_table(), the manual's OPTIONS.
 */

enum command {
	COMMAND_WATCH,
	COMMAND_DUMP,
	COMMAND_FEATURES,
	COMMAND_HELP,
	COMMAND_VERSION
};

enum format {
	FORMAT_TEXT,
	FORMAT_JSONL,
	FORMAT_GO,
	FORMAT_PPROF
};

#define OPTIONS_PIDS_MAX 4096

struct options {
	enum command command;
	enum format format;
	enum shown_units units;
	uint32_t *pids; /* owned, sorted, without repeats */
	size_t pids_count;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until interrupted */
	uint64_t count;       /* 0: no limit */
	uint64_t top;
	size_t table_memory; /* bytes */
	struct verdict_rules rules;
	const char *output; /* NULL: stdout; points into argv */
	bool full;
	bool plain;
	bool lines;
	bool runtime_frames;
	bool demangle;
	bool verbose;
	bool forced_off[FEATURE_COUNT]; /* --debug=no-FEATURE */
};

/*
 * Parses argv. -EINVAL: wrong usage, the error says in one line what is wrong.
 * `*options` is untouched on failure; options_clear() frees what it owns.
 */
int options_parse(int argc, char *const argv[], struct options *options, struct error *error);
void options_clear(struct options *options);

/* "500ms", "5s", "2m", "1h", or seconds without a unit; at most 365 days. -EINVAL. */
int options_parse_duration(const char *text, uint64_t *ns);

/* "64M", "1G", "512K", with or without "iB", or bytes without a unit. -EINVAL. */
int options_parse_size(const char *text, size_t *bytes);

void options_print_help(FILE *file);

/* One line per option: names, argument, help, separated by tabs; for doc/ and completions. */
void options_print_table(FILE *file);

#endif
