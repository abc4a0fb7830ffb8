// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define INTERVAL_MIN_NS 100000000ULL
/* Less would not hold the tables of one large program. */
#define TABLE_MEMORY_MIN ((size_t)4 << 20)
#define TABLE_MEMORY_MAX ((size_t)1 << 40)
#define DURATION_MAX_NS  (365ULL * 24 * 3600 * 1000000000ULL)

/* getopt's codes of options without a letter; above every letter. */
enum long_only {
	OPTION_FULL = 256,
	OPTION_PLAIN,
	OPTION_NO_DEMANGLE,
	OPTION_TABLE_MEMORY,
	OPTION_LINES,
	OPTION_RUNTIME_FRAMES,
	OPTION_UNIT,
	OPTION_LEAK_AFTER,
	OPTION_LEAK_MIN,
	OPTION_DEBUG,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option_description {
	const char *name;
	int code; /* the letter, or enum long_only */
	const char *argument;
	const char *help;
	bool hidden; /* for developers: not in --help */
} table[] = {
	{"pid", 'p', "PID", "process to watch; repeats, takes a list (default: all)", false},
	{"interval", 'i', "TIME", "time between reports: 500ms, 5s, 2m (default 5s)", false},
	{"count", 'n', "N", "stop after N reports", false},
	{"duration", 'd', "TIME", "stop after this time", false},
	{"top", 't', "N", "sites a process and processes to print (default 10)", false},
	{"format", 'f', "FORMAT", "text or jsonl; dump also: go, pprof (default text)", false},
	{"output", 'o', "FILE", "append to FILE; SIGHUP opens it again", false},
	{"full", OPTION_FULL, NULL, "jsonl: every site with its stack at every report", false},
	{"plain", OPTION_PLAIN, NULL, "text: never redraw the terminal, append", false},
	{"no-demangle", OPTION_NO_DEMANGLE, NULL, "C++ and Rust names as symbol tables have them",
	 false},
	{"table-memory", OPTION_TABLE_MEMORY, "SIZE", "for unwind tables: 8M, 1G (default 64M)",
	 false},
	{"lines", OPTION_LINES, NULL, "source lines and inlined functions, from debug info", false},
	{"unit", OPTION_UNIT, "UNIT", "only this: thread or goroutine (default: both)", false},
	{"runtime-frames", OPTION_RUNTIME_FRAMES, NULL,
	 "frames of the Go runtime, and its own goroutines", false},
	{"leak-after", OPTION_LEAK_AFTER, "TIME", "no leak of units parked for less (default 10s)",
	 false},
	{"leak-min", OPTION_LEAK_MIN, "N", "no leak of fewer units (default 10, or 8 of 5 min)",
	 false},
	{"verbose", 'v', NULL, "whole stacks, own cost, and why something failed", false},
	{"debug", OPTION_DEBUG, "no-FEATURE", "act as if the host lacked FEATURE", true},
	{"help", OPTION_HELP, NULL, "print this help", false},
	{"version", OPTION_VERSION, NULL, "print the version", false},
};

#define TABLE_LENGTH (sizeof(table) / sizeof(table[0]))

static const struct {
	const char *name;
	const char *help;
	enum command command;
} commands[] = {
	{"watch", "a report every interval: who is parked where, who is born", COMMAND_WATCH},
	{"dump", "what is parked right now, once, every stack", COMMAND_DUMP},
	{"features", "what this host supports, what is degraded and why", COMMAND_FEATURES},
};

#define COMMANDS_LENGTH (sizeof(commands) / sizeof(commands[0]))

static const struct {
	const char *name;
	enum format format;
	bool dump_only; /* one document: a stream of them would be none */
} formats[] = {
	{"text", FORMAT_TEXT, false},
	{"jsonl", FORMAT_JSONL, false},
	{"go", FORMAT_GO, true},
	{"pprof", FORMAT_PPROF, true},
};

#define FORMATS_LENGTH (sizeof(formats) / sizeof(formats[0]))

void options_clear(struct options *options)
{
	free(options->pids);
	*options = (struct options){0};
}

/* A whole decimal number without sign or blanks. */
static int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int options_parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"", 1e9}};
	char *end;
	double value;

	/* No sign, no blank, no "inf", "nan" or hexadecimal. */
	if (strspn(text, "0123456789.") == 0)
		return -EINVAL;
	value = strtod(text, &end);
	if (end != text + strspn(text, "0123456789."))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value * units[i].ns > (double)DURATION_MAX_NS)
			return -EINVAL;
		*ns = (uint64_t)(value * units[i].ns);
		return 0;
	}
	return -EINVAL;
}

int options_parse_size(const char *text, size_t *bytes)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} units[] = {{"K", 10},   {"M", 20},   {"G", 30}, {"KiB", 10},
		     {"MiB", 20}, {"GiB", 30}, {"", 0}};
	size_t digits = strspn(text, "0123456789");
	unsigned long long value;

	if (!digits || digits > 18)
		return -EINVAL;
	value = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].suffix) != 0)
			continue;
		if (value > SIZE_MAX >> units[i].shift)
			return -EINVAL;
		*bytes = (size_t)value << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

static int add_pid(struct options *options, const char *text, struct error *error)
{
	uint64_t pid;
	uint32_t *grown;

	/* PID_MAX_LIMIT of 64-bit kernels, include/linux/threads.h */
	if (parse_number(text, 4 * 1024 * 1024, &pid) || !pid)
		return error_set(error, -EINVAL, "-p: '%.64s' is not a process id", text);
	for (size_t i = 0; i < options->pids_count; i++)
		if (options->pids[i] == pid)
			return 0;
	if (options->pids_count == OPTIONS_PIDS_MAX)
		return error_set(error, -EINVAL,
				 "-p: more than %d processes; leave -p out to "
				 "watch all",
				 OPTIONS_PIDS_MAX);
	grown = realloc(options->pids, (options->pids_count + 1) * sizeof(*grown));
	if (!grown)
		return error_set(error, -ENOMEM, "out of memory");
	options->pids = grown;
	options->pids[options->pids_count++] = (uint32_t)pid;
	return 0;
}

static int add_pids(struct options *options, const char *list, struct error *error)
{
	autofree char *copy = strdup(list);
	char *rest = copy, *item;

	if (!copy)
		return error_set(error, -ENOMEM, "out of memory");
	while ((item = strsep(&rest, ","))) {
		int err = add_pid(options, item, error);

		if (err)
			return err;
	}
	return 0;
}

static int set_format(struct options *options, const char *name, struct error *error)
{
	for (size_t i = 0; i < FORMATS_LENGTH; i++) {
		if (strcmp(formats[i].name, name) == 0) {
			options->format = formats[i].format;
			return 0;
		}
	}
	return error_set(error, -EINVAL,
			 "-f: unknown format '%.64s'; text, jsonl, go and pprof are known", name);
}

static int set_units(struct options *options, const char *name, struct error *error)
{
	for (enum unit unit = UNIT_THREAD; unit <= UNIT_GOROUTINE; unit++) {
		if (strcmp(unit_name(unit), name) == 0) {
			options->units = unit == UNIT_THREAD ? SHOWN_THREADS : SHOWN_GOROUTINES;
			return 0;
		}
	}
	return error_set(error, -EINVAL, "--unit: '%.64s' is neither thread nor goroutine", name);
}

static int force_feature_off(struct options *options, const char *text, struct error *error)
{
	enum feature feature;

	if (strncmp(text, "no-", 3) != 0 || feature_by_name(text + 3, &feature))
		return error_set(error, -EINVAL,
				 "--debug: '%.64s' is not no-FEATURE with a feature of 'parkscope "
				 "features'",
				 text);
	if (!feature_info(feature)->can_force_off)
		return error_set(error, -EINVAL, "--debug: there is no fallback for %s", text + 3);
	options->forced_off[feature] = true;
	return 0;
}

static int set_leak_min(struct options *options, const char *value, struct error *error)
{
	struct ladder_rules *rules = &options->rules.ladder;
	uint64_t least;

	if (parse_number(value, 1000000, &least) || !least)
		return error_set(error, -EINVAL, "--leak-min: '%.64s' is not a number of units",
				 value);
	rules->entrants_min = rules->entrants_min_aged = least;
	return 0;
}

static int set_option(struct options *options, int code, const char *value, struct error *error)
{
	switch (code) {
	case 'p':
		return add_pids(options, value, error);
	case 'i':
		if (options_parse_duration(value, &options->interval_ns) ||
		    options->interval_ns < INTERVAL_MIN_NS)
			return error_set(error, -EINVAL,
					 "-i: '%.64s' is not a time of at least 100ms, such as "
					 "500ms, 5s or 2m",
					 value);
		return 0;
	case 'd':
		if (options_parse_duration(value, &options->duration_ns) || !options->duration_ns)
			return error_set(error, -EINVAL,
					 "-d: '%.64s' is not a time, such as 30s or 10m", value);
		return 0;
	case 'n':
		if (parse_number(value, UINT64_MAX, &options->count) || !options->count)
			return error_set(error, -EINVAL, "-n: '%.64s' is not a number of reports",
					 value);
		return 0;
	case 't':
		if (parse_number(value, 1000000, &options->top) || !options->top)
			return error_set(error, -EINVAL, "-t: '%.64s' is not a number of sites",
					 value);
		return 0;
	case 'f':
		return set_format(options, value, error);
	case 'o':
		options->output = value;
		return 0;
	case OPTION_FULL:
		options->full = true;
		return 0;
	case OPTION_PLAIN:
		options->plain = true;
		return 0;
	case OPTION_NO_DEMANGLE:
		options->demangle = false;
		return 0;
	case OPTION_TABLE_MEMORY:
		if (options_parse_size(value, &options->table_memory) ||
		    options->table_memory < TABLE_MEMORY_MIN ||
		    options->table_memory > TABLE_MEMORY_MAX)
			return error_set(error, -EINVAL,
					 "--table-memory: '%.64s' is not a size of at least 4M, "
					 "such as 64M or 1G",
					 value);
		return 0;
	case OPTION_LINES:
		options->lines = true;
		return 0;
	case OPTION_RUNTIME_FRAMES:
		options->runtime_frames = true;
		return 0;
	case OPTION_UNIT:
		return set_units(options, value, error);
	case OPTION_LEAK_AFTER:
		if (options_parse_duration(value, &options->rules.leak_after_ns) ||
		    options->rules.leak_after_ns > VERDICT_LAST_NS)
			return error_set(error, -EINVAL,
					 "--leak-after: '%.64s' is not a time of at most 1h, such "
					 "as 60s or 10m",
					 value);
		return 0;
	case OPTION_LEAK_MIN:
		return set_leak_min(options, value, error);
	case 'v':
		options->verbose = true;
		return 0;
	case OPTION_DEBUG:
		return force_feature_off(options, value, error);
	case OPTION_HELP:
		options->command = COMMAND_HELP;
		return 0;
	default:
		options->command = COMMAND_VERSION;
		return 0;
	}
}

static int set_command(struct options *options, const char *name, struct error *error)
{
	for (size_t i = 0; i < COMMANDS_LENGTH; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			options->command = commands[i].command;
			return 0;
		}
	}
	return error_set(error, -EINVAL,
			 "unknown command '%.64s'; watch, dump and features are known", name);
}

/* getopt's two arrays, from the table. */
static void describe_to_getopt(struct option *long_options, char *letters)
{
	/* '+': stop at the first operand; ':': tell a missing argument from an unknown option. */
	*letters++ = '+';
	*letters++ = ':';
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		long_options[i] = (struct option){
			.name = table[i].name,
			.has_arg = table[i].argument ? required_argument : no_argument,
			.val = table[i].code,
		};
		if (table[i].code < 256) {
			*letters++ = (char)table[i].code;
			if (table[i].argument)
				*letters++ = ':';
		}
	}
	long_options[TABLE_LENGTH] = (struct option){0};
	*letters = '\0';
}

static int parse_options(int argc, char *const argv[], struct options *options, struct error *error)
{
	struct option long_options[TABLE_LENGTH + 1];
	char letters[2 * TABLE_LENGTH + 3];
	int code;

	describe_to_getopt(long_options, letters);
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *word = argv[optind - 1];
		int err;

		if (code == ':')
			return error_set(error, -EINVAL, "option '%.64s' needs a value", word);
		if (code == '?' && optopt && optopt < 256)
			return error_set(error, -EINVAL, "unknown option '-%c'", optopt);
		if (code == '?')
			return error_set(error, -EINVAL,
					 "unknown option '%.64s', or a value that "
					 "it does not take",
					 word);
		err = set_option(options, code, optarg, error);
		if (err)
			return err;
	}
	return 0;
}

/* Options may stand before and after the command. */
static int parse(int argc, char *const argv[], struct options *options, struct error *error)
{
	int err;

	optind = 0;
	err = parse_options(argc, argv, options, error);
	if (err || optind == argc)
		return err;
	if (options->command == COMMAND_WATCH) {
		err = set_command(options, argv[optind], error);
		if (err)
			return err;
	}
	argc -= optind;
	argv += optind;
	optind = 0;
	err = parse_options(argc, argv, options, error);
	if (!err && optind < argc)
		return error_set(error, -EINVAL, "unexpected argument '%.64s'", argv[optind]);
	return err;
}

/* What each option alone cannot tell. */
static int check_combination(const struct options *options, struct error *error)
{
	if (options->command != COMMAND_WATCH && options->command != COMMAND_DUMP)
		return 0;
	for (size_t i = 0; i < FORMATS_LENGTH; i++)
		if (formats[i].format == options->format && formats[i].dump_only &&
		    options->command != COMMAND_DUMP)
			return error_set(error, -EINVAL,
					 "-f %s is for one look, not for watching: use 'parkscope "
					 "dump -f %s'",
					 formats[i].name, formats[i].name);
	if (options->format == FORMAT_GO && options->units == SHOWN_THREADS)
		return error_set(error, -EINVAL, "-f go lists goroutines: not with --unit thread");
	return 0;
}

int options_parse(int argc, char *const argv[], struct options *ret, struct error *error)
{
	struct options options = {
		.command = COMMAND_WATCH,
		.interval_ns = 5000000000ULL,
		.top = 10,
		.demangle = true,
		.table_memory = (size_t)64 << 20,
		.rules = verdict_rules_default(),
	};
	int err = parse(argc, argv, &options, error);

	if (!err)
		err = check_combination(&options, error);
	if (err) {
		options_clear(&options);
		return err;
	}
	*ret = options;
	return 0;
}

void options_print_help(FILE *file)
{
	fputs("Usage: parkscope [COMMAND] [OPTION]...\n"
	      "Shows where threads and goroutines are parked, how many, and whether that\n"
	      "crowd grows, from outside: nothing is stopped or changed. Needs root.\n"
	      "\n"
	      "Commands:\n",
	      file);
	for (size_t i = 0; i < COMMANDS_LENGTH; i++)
		fprintf(file, "  %-9s %s%s\n", commands[i].name, commands[i].help,
			i == 0 ? " (default)" : "");
	fputs("\nOptions:\n", file);
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		char names[40];

		if (table[i].hidden)
			continue;
		snprintf(names, sizeof(names), "%c%c%s--%s%s%s", table[i].code < 256 ? '-' : ' ',
			 table[i].code < 256 ? table[i].code : ' ',
			 table[i].code < 256 ? ", " : "  ", table[i].name,
			 table[i].argument ? " " : "", table[i].argument ? table[i].argument : "");
		fprintf(file, "  %-22s %s\n", names, table[i].help);
	}
	fputs("\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n"
	      "Example: parkscope -p $(pgrep -o myservice) -i 2s\n"
	      "Manual: man parkscope\n",
	      file);
}

void options_print_table(FILE *file)
{
	for (size_t i = 0; i < TABLE_LENGTH; i++)
		fprintf(file, "%s\t%c\t%s\t%s\n", table[i].name,
			table[i].code < 256 ? table[i].code : '-',
			table[i].argument ? table[i].argument : "-", table[i].help);
}
