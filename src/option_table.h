/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OPTION_TABLE_H
#define PARKSCOPE_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

/* Every command and every option: what the parser knows and --help prints. */

/* getopt's codes of options without a letter; above every letter. */
enum option_code {
	OPTION_FULL = 256,
	OPTION_PLAIN,
	OPTION_NO_DEMANGLE,
	OPTION_MEMORY,
	OPTION_LINES,
	OPTION_EXACT,
	OPTION_BUDGET,
	OPTION_RUNTIME_FRAMES,
	OPTION_UNIT,
	OPTION_LEAK_AFTER,
	OPTION_LEAK_MIN,
	OPTION_RECORD,
	OPTION_REPLAY,
	OPTION_FOR,
	OPTION_MAX_THREADS,
	OPTION_MAX_GOROUTINES,
	OPTION_MAX_GROWTH,
	OPTION_FAIL_ON,
	OPTION_DEBUG,
	OPTION_HELP,
	OPTION_VERSION
};

#define OPTION_TABLE_MAX 32

struct option_row {
	const char *name;
	int code;              /* the letter, or enum option_code */
	unsigned int commands; /* that take it: bits 1 << enum command */
	const char *argument;  /* NULL: it takes none */
	const char *help;
	bool hidden; /* for developers: not in --help */
};

struct command_row {
	const char *name;
	enum command command;
	const char *help;  /* in the list of commands */
	const char *usage; /* after "parkscope NAME" */
	const char *about; /* lines */
	const char *status;
};

extern const struct option_row option_table[];
extern const size_t option_table_length;
extern const struct command_row command_table[];
extern const size_t command_table_length;

const struct option_row *option_by_code(int code);

/* Whether the user has said anything of it. */
bool option_is_given(const struct options *options, int code);

/* NULL: there is none. */
const struct command_row *command_by_name(const char *name);
const struct command_row *command_row(enum command command);

/* "watch, dump and features": all of these bits. */
#define OPTION_NAMES_SIZE 128
void command_names(unsigned int commands, char names[OPTION_NAMES_SIZE]);

#endif
