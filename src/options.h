/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OPTIONS_H
#define PARKSCOPE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "host/features.h"
#include "model/check.h"
#include "model/report.h"
#include "model/verdict.h"

/*
 * The command line. One table (option_table.h) describes every command and option: it feeds the
 * parser and --help.
 */

enum command {
	COMMAND_WATCH,
	COMMAND_DUMP,
	COMMAND_DIFF,
	COMMAND_FEATURES,
	COMMAND_CHECK,
	COMMAND_REPLAY, /* watch --replay */
	COMMAND_HELP,
	COMMAND_VERSION
};

enum format {
	FORMAT_TEXT,
	FORMAT_JSONL,
	FORMAT_GO,
	FORMAT_PPROF
};

#define OPTIONS_PIDS_MAX     4096
#define OPTIONS_OPERANDS_MAX 2

struct options {
	enum command command;
	enum command help_on; /* COMMAND_HELP: which command; COMMAND_HELP itself: none */
	enum format format;
	enum shown_units units;
	uint32_t *pids; /* owned, sorted, without repeats */
	size_t pids_count;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until interrupted */
	uint64_t count;       /* 0: no limit */
	uint64_t top;
	bool top_given;
	uint64_t given;        /* see option_is_given() */
	size_t memory;         /* bytes */
	double budget_percent; /* of one CPU */
	struct verdict_rules rules;
	struct check_rules check;
	const char *output;                         /* NULL: stdout; points into argv */
	const char *operands[OPTIONS_OPERANDS_MAX]; /* of `diff`: OLD and NEW; into argv, too */
	size_t operands_count;
	const char *record; /* NULL: nothing is recorded; into argv, too */
	const char *replay; /* COMMAND_REPLAY; into argv, too */
	bool full;
	bool plain;
	bool lines;
	bool exact;
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

/* The command that is named, also where options_parse() fails; COMMAND_WATCH: none is. */
enum command options_command(int argc, char *const argv[]);

/* `about`: a command, or COMMAND_HELP for all that there is. */
void options_print_help(FILE *file, enum command about);

#endif
