// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "option_table.h"

#include <string.h>

enum {
	WATCH = 1 << COMMAND_WATCH,
	DUMP = 1 << COMMAND_DUMP,
	DIFF = 1 << COMMAND_DIFF,
	FEATURES = 1 << COMMAND_FEATURES,
	CHECK = 1 << COMMAND_CHECK,
	REPLAY = 1 << COMMAND_REPLAY,
	LOOKS = WATCH | DUMP,
	LASTS = WATCH | CHECK,
	SHOWS = LOOKS | DIFF,
	ALL = SHOWS | FEATURES | CHECK,
};

const struct option_row option_table[] = {
	{"pid", 'p', LOOKS | CHECK, "PID", "process to watch, or list of them; check needs it",
	 false},
	{"for", OPTION_FOR, CHECK, "TIME", "the same as --duration", false},
	{"max-threads", OPTION_MAX_THREADS, CHECK, "N", "critical: more threads at the end", false},
	{"max-goroutines", OPTION_MAX_GOROUTINES, CHECK, "N",
	 "critical: more goroutines at the end", false},
	{"max-growth", OPTION_MAX_GROWTH, CHECK, "N/min",
	 "critical: threads or goroutines grow faster", false},
	{"fail-on", OPTION_FAIL_ON, CHECK, "WHAT", "growing: critical, too; leaking: growing is OK",
	 false},
	{"interval", 'i', LASTS, "TIME", "time between looks: 500ms, 5s, 2m (default 5s or less)",
	 false},
	{"count", 'n', WATCH, "N", "stop after N reports", false},
	{"duration", 'd', LASTS, "TIME", "stop after this time (check: default 60s)", false},
	{"top", 't', SHOWS | REPLAY, "N", "sites a process and processes to print (default 10)",
	 false},
	{"format", 'f', SHOWS | REPLAY, "FORMAT",
	 "text or jsonl; dump also: go, pprof (default text)", false},
	{"output", 'o', SHOWS | REPLAY, "FILE", "append to FILE; SIGHUP opens it again", false},
	{"full", OPTION_FULL, SHOWS | REPLAY, NULL,
	 "jsonl: every site with its stack at every report", false},
	{"plain", OPTION_PLAIN, LOOKS | REPLAY, NULL, "text: never redraw the terminal, append",
	 false},
	{"no-demangle", OPTION_NO_DEMANGLE, LOOKS | CHECK, NULL,
	 "C++ and Rust names as symbol tables have them", false},
	{"memory", OPTION_MEMORY, LOOKS | CHECK, "SIZE",
	 "for all of it, in the kernel, too (default 256M)", false},
	{"lines", OPTION_LINES, LOOKS | CHECK, NULL,
	 "source lines and inlined functions, from debug info", false},
	{"exact", OPTION_EXACT, LASTS, NULL, "walk the stack of every wait, whatever it costs",
	 false},
	{"budget", OPTION_BUDGET, LASTS, "PERCENT",
	 "of one CPU, for all that parkscope does (default 1)", false},
	{"unit", OPTION_UNIT, SHOWS | REPLAY, "UNIT",
	 "only this: thread or goroutine (default: both)", false},
	{"runtime-frames", OPTION_RUNTIME_FRAMES, SHOWS | REPLAY, NULL,
	 "frames of the Go runtime, and its own goroutines", false},
	{"leak-after", OPTION_LEAK_AFTER, LASTS | REPLAY, "TIME",
	 "no leak of units parked for less (default 10s)", false},
	{"leak-min", OPTION_LEAK_MIN, LASTS | REPLAY, "N",
	 "no leak of fewer units (default 10, or 8 of 5 min)", false},
	{"record", OPTION_RECORD, WATCH, "FILE",
	 "record what verdicts are made of, into a new FILE", false},
	{"replay", OPTION_REPLAY, WATCH | REPLAY, "FILE",
	 "reports of such a recording, which need no root", false},
	{"verbose", 'v', ALL | REPLAY, NULL, "more: whole stacks, own cost, why something failed",
	 false},
	{"debug", OPTION_DEBUG, ALL, "no-FEATURE", "act as if the host lacked FEATURE", true},
	{"help", OPTION_HELP, ALL, NULL, "print this help", false},
	{"version", OPTION_VERSION, ALL, NULL, "print the version", false},
};

#define TABLE_LENGTH (sizeof(option_table) / sizeof(option_table[0]))

_Static_assert(TABLE_LENGTH <= OPTION_TABLE_MAX, "options_parse() has no room for them");

const size_t option_table_length = TABLE_LENGTH;

#define STATUS "0 done, 1 failed, 2 wrong usage."

const struct command_row command_table[] = {
	{"watch", COMMAND_WATCH, "a report every interval: who is parked where, who is born",
	 "[OPTION]...", "A report every interval, until interrupted or all named have ended.",
	 STATUS},
	{"dump", COMMAND_DUMP, "what is parked right now, once, every stack", "[OPTION]...",
	 "What is parked right now, once, with every stack.", STATUS},
	{"diff", COMMAND_DIFF, "OLD NEW: two dumps: what came, what left, what grew",
	 "[OPTION]... OLD NEW",
	 "What changed from one 'parkscope dump -f jsonl' (or pprof) to another. Needs no root.",
	 "0 same, 1 differs, 2 trouble."},
	{"check", COMMAND_CHECK, "one line and an exit status, for monitoring and CI",
	 "-p PID [--for TIME] [OPTION]...",
	 "Watches for a time, then says in one line whether there is a leak, and from\n"
	 "which rate on it would have seen one. The line is that of monitoring plugins.",
	 "0 OK, 1 WARNING growing, 2 CRITICAL leaking or over a limit,\n"
	 "3 UNKNOWN: wrong usage, process gone, no privileges."},
	{"features", COMMAND_FEATURES, "what this host supports, what is degraded and why", "",
	 "What this host supports, what uses it, and what is degraded without it.", STATUS},
};

const size_t command_table_length = sizeof(command_table) / sizeof(command_table[0]);

const struct option_row *option_by_code(int code)
{
	for (size_t i = 0; i < option_table_length; i++)
		if (option_table[i].code == code)
			return &option_table[i];
	return NULL;
}

bool option_is_given(const struct options *options, int code)
{
	const struct option_row *row = option_by_code(code);

	return row && options->given & 1ULL << (row - option_table);
}

const struct command_row *command_by_name(const char *name)
{
	for (size_t i = 0; i < command_table_length; i++)
		if (strcmp(command_table[i].name, name) == 0)
			return &command_table[i];
	return NULL;
}

const struct command_row *command_row(enum command command)
{
	for (size_t i = 0; i < command_table_length; i++)
		if (command_table[i].command == command)
			return &command_table[i];
	return NULL;
}

/* The commands that stand further down in the table. */
static unsigned int known_after(size_t index)
{
	unsigned int bits = 0;

	for (size_t i = index + 1; i < command_table_length; i++)
		bits |= 1U << command_table[i].command;
	return bits;
}

void command_names(unsigned int commands, char names[OPTION_NAMES_SIZE])
{
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < command_table_length; i++) {
		if (!(commands & 1U << command_table[i].command))
			continue;
		used += (size_t)snprintf(names + used, OPTION_NAMES_SIZE - used, "%s%s",
					 !used                       ? ""
					 : commands & known_after(i) ? ", "
								     : " and ",
					 command_table[i].name);
	}
}

static void print_options(FILE *file, unsigned int commands)
{
	for (size_t i = 0; i < option_table_length; i++) {
		const struct option_row *row = &option_table[i];
		bool letter = row->code < 256;
		char names[40];

		if (row->hidden || !(row->commands & commands))
			continue;
		snprintf(names, sizeof(names), "%c%c%s--%s%s%s", letter ? '-' : ' ',
			 letter ? row->code : ' ', letter ? ", " : "  ", row->name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
		fprintf(file, "  %-23s %s\n", names, row->help);
	}
}

static void print_command_help(FILE *file, const struct command_row *row)
{
	fprintf(file, "Usage: parkscope %s%s%s\n%s\n\nOptions:\n", row->name,
		*row->usage ? " " : "", row->usage, row->about);
	print_options(file, 1U << row->command);
	fprintf(file, "\nExit status: %s\nManual: man parkscope\n", row->status);
}

void options_print_help(FILE *file, enum command about)
{
	const struct command_row *row = command_row(about);

	if (row) {
		print_command_help(file, row);
		return;
	}
	fputs("Usage: parkscope [COMMAND] [OPTION]...\n"
	      "Shows where threads and goroutines are parked, how many, and whether that\n"
	      "crowd grows, from outside: nothing is stopped or changed. Needs root.\n"
	      "\n"
	      "Commands (parkscope COMMAND --help: the options of each):\n",
	      file);
	for (size_t i = 0; i < command_table_length; i++)
		fprintf(file, "  %-9s %s%s\n", command_table[i].name, command_table[i].help,
			i == 0 ? " (default)" : "");
	fprintf(file, "\nOptions of %s:\n", command_table[0].name);
	print_options(file, 1U << command_table[0].command);
	fputs("\n"
	      "Exit status: " STATUS "\n"
	      "Example: parkscope -p $(pgrep -o myservice) -i 2s\n"
	      "Manual: man parkscope\n",
	      file);
}
