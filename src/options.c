// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "option_table.h"
#include "option_values.h"

#define INTERVAL_MIN_NS 100000000ULL
/* Less would not hold the tables of one large program. */
#define MEMORY_MIN     ((size_t)64 << 20)
#define MEMORY_MAX     ((size_t)1 << 40)
#define MEMORY_DEFAULT ((size_t)256 << 20)
#define GROWTH_MAX     1e9
/* Of one CPU: less would be nothing. */
#define BUDGET_MIN_PERCENT     0.001
#define BUDGET_DEFAULT_PERCENT 1.0
#define WATCH_INTERVAL_NS      5000000000ULL
#define CHECK_DURATION_NS      60000000000ULL

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

static int add_pid(struct options *options, const char *text, struct error *error)
{
	uint64_t pid;
	uint32_t *grown;

	/* PID_MAX_LIMIT of 64-bit kernels, include/linux/threads.h */
	if (option_number(text, 4 * 1024 * 1024, &pid) || !pid)
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

	if (option_number(value, 1000000, &least) || !least)
		return error_set(error, -EINVAL, "--leak-min: '%.64s' is not a number of units",
				 value);
	rules->entrants_min = rules->entrants_min_aged = least;
	return 0;
}

/* "10/min", or "10". */
static int set_growth_max(struct options *options, const char *value, struct error *error)
{
	size_t length = strspn(value, "0123456789.");
	char *end;
	double rate = length ? strtod(value, &end) : 0;

	if (!length || end != value + length || (*end && strcmp(end, "/min") != 0) || rate <= 0 ||
	    rate > GROWTH_MAX)
		return error_set(error, -EINVAL,
				 "--max-growth: '%.64s' is not a rate, such as 10/min", value);
	options->check.growth_max = rate;
	return 0;
}

/* "0.5", "1", "150", "1%". */
static int set_budget(struct options *options, const char *value, struct error *error)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const double most = 100.0 * (double)(cpus > 0 ? cpus : 1);
	double percent;

	if (option_percent(value, &percent) || percent < BUDGET_MIN_PERCENT || percent > most)
		return error_set(error, -EINVAL,
				 "--budget: '%.64s' is not a part of one CPU in percent, such as "
				 "0.5 or 2; at most %.0f here",
				 value, most);
	options->budget_percent = percent;
	return 0;
}

static int set_fail_on(struct options *options, const char *value, struct error *error)
{
	if (strcmp(value, verdict_name(VERDICT_GROWING)) == 0)
		options->check.fail_on = CHECK_FAIL_ON_GROWING;
	else if (strcmp(value, verdict_name(VERDICT_LEAKING)) == 0)
		options->check.fail_on = CHECK_FAIL_ON_LEAKING;
	else
		return error_set(error, -EINVAL,
				 "--fail-on: '%.64s' is neither growing nor leaking", value);
	return 0;
}

static int set_limit(const char *name, uint64_t *limit, const char *value, struct error *error)
{
	if (option_number(value, UINT32_MAX, limit) || !*limit)
		return error_set(error, -EINVAL, "%s: '%.64s' is not a number of at least 1", name,
				 value);
	return 0;
}

static int set_option(struct options *options, int code, const char *value, struct error *error)
{
	switch (code) {
	case 'p':
		return add_pids(options, value, error);
	case 'i':
		if (option_duration(value, &options->interval_ns) ||
		    options->interval_ns < INTERVAL_MIN_NS)
			return error_set(error, -EINVAL,
					 "-i: '%.64s' is not a time of at least 100ms, such as "
					 "500ms, 5s or 2m",
					 value);
		return 0;
	case 'd':
	case OPTION_FOR:
		if (option_duration(value, &options->duration_ns) || !options->duration_ns)
			return error_set(error, -EINVAL,
					 "%s: '%.64s' is not a time, such as 30s or 10m",
					 code == 'd' ? "-d" : "--for", value);
		return 0;
	case 'n':
		if (option_number(value, UINT64_MAX, &options->count) || !options->count)
			return error_set(error, -EINVAL, "-n: '%.64s' is not a number of reports",
					 value);
		return 0;
	case 't':
		if (option_number(value, 1000000, &options->top) || !options->top)
			return error_set(error, -EINVAL, "-t: '%.64s' is not a number of sites",
					 value);
		options->top_given = true;
		return 0;
	case 'f':
		return set_format(options, value, error);
	case 'o':
		if (strcmp(value, "-") == 0)
			return error_set(
				error, -EINVAL,
				"-o: '-' is no file: without -o all goes to standard output");
		options->output = value;
		return 0;
	case OPTION_RECORD:
		options->record = value;
		return 0;
	case OPTION_REPLAY:
		options->replay = value;
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
	case OPTION_MEMORY:
		if (option_size(value, &options->memory) || options->memory < MEMORY_MIN ||
		    options->memory > MEMORY_MAX)
			return error_set(error, -EINVAL,
					 "--memory: '%.64s' is not a size of at least 64M, "
					 "such as 256M or 1G",
					 value);
		return 0;
	case OPTION_LINES:
		options->lines = true;
		return 0;
	case OPTION_EXACT:
		options->exact = true;
		return 0;
	case OPTION_BUDGET:
		return set_budget(options, value, error);
	case OPTION_RUNTIME_FRAMES:
		options->runtime_frames = true;
		return 0;
	case OPTION_UNIT:
		return set_units(options, value, error);
	case OPTION_LEAK_AFTER:
		if (option_duration(value, &options->rules.leak_after_ns) ||
		    options->rules.leak_after_ns > VERDICT_LAST_NS)
			return error_set(error, -EINVAL,
					 "--leak-after: '%.64s' is not a time of at most 1h, such "
					 "as 60s or 10m",
					 value);
		return 0;
	case OPTION_LEAK_MIN:
		return set_leak_min(options, value, error);
	case OPTION_MAX_THREADS:
		return set_limit("--max-threads", &options->check.threads_max, value, error);
	case OPTION_MAX_GOROUTINES:
		return set_limit("--max-goroutines", &options->check.goroutines_max, value, error);
	case OPTION_MAX_GROWTH:
		return set_growth_max(options, value, error);
	case OPTION_FAIL_ON:
		return set_fail_on(options, value, error);
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

struct getopt_arrays {
	struct option long_options[OPTION_TABLE_MAX + 1];
	char letters[2 * OPTION_TABLE_MAX + 3];
};

/* From the table. */
static void describe_to_getopt(struct getopt_arrays *arrays)
{
	struct option *long_options = arrays->long_options;
	char *letters = arrays->letters;

	/* '+': stop at the first operand; ':': tell a missing argument from an unknown option. */
	*letters++ = '+';
	*letters++ = ':';
	for (size_t i = 0; i < option_table_length; i++) {
		long_options[i] = (struct option){
			.name = option_table[i].name,
			.has_arg = option_table[i].argument ? required_argument : no_argument,
			.val = option_table[i].code,
		};
		if (option_table[i].code < 256) {
			*letters++ = (char)option_table[i].code;
			if (option_table[i].argument)
				*letters++ = ':';
		}
	}
	long_options[option_table_length] = (struct option){0};
	*letters = '\0';
}

/* The command that is named, whatever the options are; NULL: none, or an unknown one. */
static const struct command_row *named_command(int argc, char *const argv[])
{
	struct getopt_arrays arrays;

	describe_to_getopt(&arrays);
	opterr = 0;
	optind = 0;
	while (getopt_long(argc, argv, arrays.letters, arrays.long_options, NULL) != -1)
		;
	return optind < argc ? command_by_name(argv[optind]) : NULL;
}

enum command options_command(int argc, char *const argv[])
{
	const struct command_row *row = named_command(argc, argv);

	return row ? row->command : COMMAND_WATCH;
}

static int check_command_takes(enum command command, int code, struct error *error)
{
	const struct option_row *row = option_by_code(code);
	char names[OPTION_NAMES_SIZE];

	if (row->commands & 1U << command)
		return 0;
	command_names(row->commands, names);
	return error_set(error, -EINVAL, "--%s is not for %s but for %s", row->name,
			 command_row(command)->name, names);
}

static int parse_options(int argc, char *const argv[], enum command command,
			 struct options *options, struct error *error)
{
	struct getopt_arrays arrays;
	int code;

	describe_to_getopt(&arrays);
	opterr = 0;
	optind = 0;
	while ((code = getopt_long(argc, argv, arrays.letters, arrays.long_options, NULL)) != -1) {
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
		err = check_command_takes(command, code, error);
		if (!err)
			err = set_option(options, code, optarg, error);
		if (err)
			return err;
		options->given |= 1ULL << (option_by_code(code) - option_table);
	}
	return 0;
}

static int add_operand(enum command command, const char *word, struct options *options,
		       struct error *error)
{
	if (command != COMMAND_DIFF || options->operands_count == OPTIONS_OPERANDS_MAX)
		return error_set(error, -EINVAL, "unexpected argument '%.64s'", word);
	options->operands[options->operands_count++] = word;
	return 0;
}

/* What follows the command: options and operands in any order; after "--" operands only. */
static int parse_rest(int argc, char *const argv[], enum command command, struct options *options,
		      struct error *error)
{
	bool operands_only = false;
	int err = 0;

	/* argv[0], which getopt passes over, is what was there before. */
	while (!err && argc > 1) {
		int next = 1;

		if (!operands_only) {
			err = parse_options(argc, argv, command, options, error);
			next = optind;
			operands_only = strcmp(argv[next - 1], "--") == 0;
		}
		if (!err && next < argc)
			err = add_operand(command, argv[next], options, error);
		argc -= next;
		argv += next;
	}
	return err;
}

static int unknown_command(const char *name, struct error *error)
{
	char names[OPTION_NAMES_SIZE];

	command_names(~0U, names);
	return error_set(error, -EINVAL, "unknown command '%.64s'; %s are known", name, names);
}

/* Options may stand before and after the command. */
static int parse(int argc, char *const argv[], struct options *options, struct error *error)
{
	const struct command_row *row = named_command(argc, argv);
	enum command command = row ? row->command : COMMAND_WATCH;
	int err;

	options->command = command;
	options->help_on = row ? command : COMMAND_HELP;
	err = parse_options(argc, argv, command, options, error);
	if (err || optind == argc)
		return err;
	if (!row && options->command == COMMAND_WATCH)
		return unknown_command(argv[optind], error);
	return parse_rest(argc - optind, argv + optind, command, options, error);
}

/* Whatever else there is was decided when it was recorded. */
static int check_replay(const struct options *options, struct error *error)
{
	for (size_t i = 0; i < option_table_length; i++)
		if (options->given & 1ULL << i &&
		    !(option_table[i].commands & 1U << COMMAND_REPLAY))
			return error_set(error, -EINVAL, "--%s has no meaning with --replay",
					 option_table[i].name);
	return 0;
}

static int check_format(const struct options *options, struct error *error)
{
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

static int check_diff(const struct options *options, struct error *error)
{
	if (options->operands_count < OPTIONS_OPERANDS_MAX)
		return error_set(error, -EINVAL,
				 "diff needs two files, OLD and NEW, of 'parkscope dump -f jsonl'");
	if (options->format != FORMAT_TEXT && options->format != FORMAT_JSONL)
		return error_set(error, -EINVAL, "diff writes text or jsonl");
	return 0;
}

static int check_check(const struct options *options, struct error *error)
{
	if (!options->pids_count)
		return error_set(error, -EINVAL, "check needs -p PID");
	if (options->interval_ns > options->duration_ns)
		return error_set(error, -EINVAL, "-i: longer than the whole check");
	return 0;
}

/* What each option alone cannot tell. */
static int check_combination(const struct options *options, struct error *error)
{
	int err = options->command == COMMAND_REPLAY ? check_replay(options, error) : 0;

	switch (options->command) {
	case COMMAND_WATCH:
	case COMMAND_DUMP:
	case COMMAND_REPLAY:
		return err ? err : check_format(options, error);
	case COMMAND_DIFF:
		return check_diff(options, error);
	case COMMAND_CHECK:
		return check_check(options, error);
	default:
		return 0;
	}
}

/* What depends on the command or on other options. */
static void complete(struct options *options)
{
	bool check = options->command == COMMAND_CHECK;

	if (options->command == COMMAND_WATCH && options->replay)
		options->command = COMMAND_REPLAY;
	if (check && !options->duration_ns)
		options->duration_ns = CHECK_DURATION_NS;
	if (!options->interval_ns)
		options->interval_ns =
			check ? check_interval_ns(options->duration_ns) : WATCH_INTERVAL_NS;
}

int options_parse(int argc, char *const argv[], struct options *ret, struct error *error)
{
	struct options options = {
		.top = 10,
		.demangle = true,
		.memory = MEMORY_DEFAULT,
		.budget_percent = BUDGET_DEFAULT_PERCENT,
		.rules = verdict_rules_default(),
	};
	int err = parse(argc, argv, &options, error);

	complete(&options);
	if (!err)
		err = check_combination(&options, error);
	if (err) {
		options_clear(&options);
		return err;
	}
	*ret = options;
	return 0;
}
