// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "option_table.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

#define ARGUMENTS_MAX 16

/* Parses words that end with NULL; the error's text stays readable. */
static int parse(struct options *options, struct error *error, const char *const *words)
{
	char *argv[ARGUMENTS_MAX] = {(char *)"parkscope"};
	int argc = 1;

	for (; *words; words++)
		argv[argc++] = (char *)*words;
	return options_parse(argc, argv, options, error);
}

#define parse_words(options, error, ...) \
	parse(options, error, (const char *const[]){__VA_ARGS__, NULL})

static void defaults(void **state)
{
	const char *const none[] = {NULL};
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, NULL, none), 0);
	assert_int_equal(options.command, COMMAND_WATCH);
	assert_int_equal(options.format, FORMAT_TEXT);
	assert_int_equal(options.interval_ns, 5000000000ULL);
	assert_int_equal(options.count, 0);
	assert_int_equal(options.pids_count, 0);
	assert_int_equal(options.top, 10);
	assert_float_equal(options.budget_percent, 1, 0);
	assert_int_equal(options.memory, 256 << 20);
	assert_false(options.lines);
}

static void options_stand_before_and_after_the_command(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "-t", "20", "dump", "-p", "7", "-f", "jsonl",
				     "--lines"),
			 0);
	assert_true(options.lines);
	assert_int_equal(options.command, COMMAND_DUMP);
	assert_int_equal(options.top, 20);
	assert_int_equal(options.format, FORMAT_JSONL);
	assert_int_equal(options.pids_count, 1);
	assert_int_equal(options.pids[0], 7);
	options_clear(&options);
}

static void pids_repeat_and_take_lists(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "-p", "5,3", "--pid=9", "-p", "3"), 0);
	assert_int_equal(options.pids_count, 3);
	assert_int_equal(options.pids[0], 5);
	assert_int_equal(options.pids[1], 3);
	assert_int_equal(options.pids[2], 9);
	options_clear(&options);
}

static void assert_usage_error(const char *const *words, const char *said)
{
	struct options options = {.top = 77};
	struct error error = {0};

	assert_int_equal(parse(&options, &error, words), -EINVAL);
	if (!strstr(error.text, said))
		fail_msg("'%s' does not say '%s'", error.text, said);
	assert_null(strchr(error.text, '\n'));
	assert_int_equal(options.top, 77);
}

#define assert_usage(said, ...) assert_usage_error((const char *const[]){__VA_ARGS__, NULL}, said)

static void wrong_usage_is_said_in_one_line(void **state)
{
	static const char *const bad_rates[] = {"",     "0",         "-1",           "1e3",
						"10/s", "inf",       "1.2.3",        "10 /min",
						".",    "10/minute", "9999999999999"};

	(void)state;
	assert_usage("'abc' is not a process id", "-p", "abc");
	assert_usage("'12x' is not a process id", "-p", "12x");
	assert_usage("'' is not a process id", "-p", "1,,2");
	assert_usage("'0' is not a process id", "-p", "0");
	assert_usage("'-1' is not a process id", "-p", "-1");
	assert_usage("'99999999999999999999' is not a process id", "-p", "99999999999999999999");
	assert_usage("at least 100ms", "-i", "0");
	assert_usage("at least 100ms", "-i", "99ms");
	assert_usage("'0' is not a number of reports", "-n", "0");
	assert_usage("'-3' is not a number of reports", "-n", "-3");
	assert_usage("'0' is not a time", "-d", "0");
	assert_usage("'x' is not a number of sites", "-t", "x");
	assert_usage("unknown format 'xml'", "-f", "xml");
	assert_usage("use 'parkscope dump -f go'", "-f", "go");
	assert_usage("use 'parkscope dump -f pprof'", "watch", "-f", "pprof");
	assert_usage("not with --unit thread", "dump", "-f", "go", "--unit", "thread");
	assert_usage("'fiber' is neither thread nor goroutine", "--unit", "fiber");
	assert_usage("'' is neither thread nor goroutine", "--unit=");
	assert_usage("a value that it does not take", "--runtime-frames=1");
	assert_usage("unknown command 'wtach'", "wtach");
	assert_usage("watch, dump, diff, check and features are known", "wtach");
	assert_usage("--interval is not for dump but for watch and check", "-i", "2s", "dump");
	assert_usage("--top is not for features but for watch, dump and diff", "features", "-t",
		     "3");
	assert_usage("--max-threads is not for watch but for check", "--max-threads", "3");
	assert_usage("--format is not for check but for watch, dump and diff", "check", "-f",
		     "jsonl");
	assert_usage("check needs -p PID", "check");
	assert_usage("longer than the whole check", "check", "-p", "1", "-i", "61s");
	assert_usage("--for: 'x' is not a time", "check", "--for", "x");
	assert_usage("--max-threads: '0' is not a number", "check", "--max-threads", "0");
	assert_usage("--max-goroutines: '-1' is not a number", "check", "--max-goroutines=-1");
	for (size_t i = 0; i < sizeof(bad_rates) / sizeof(bad_rates[0]); i++)
		assert_usage("is not a rate, such as 10/min", "check", "--max-growth",
			     bad_rates[i]);
	assert_usage("'steady' is neither growing nor leaking", "check", "--fail-on", "steady");
	assert_usage("unexpected argument 'more'", "dump", "more");
	assert_usage("unknown option '--nope'", "--nope");
	assert_usage("unknown option '-z'", "-z");
	assert_usage("unknown option '-z'", "dump", "-z");
	assert_usage("'-p' needs a value", "-p");
	assert_usage("'--interval' needs a value", "--interval");
	assert_usage("without -o all goes to standard output", "-o", "-");
	assert_usage("a size of at least 64M", "--memory", "63M");
	assert_usage("a size of at least 64M", "--memory", "256X");
	assert_usage("'0' is not a part of one CPU in percent", "--budget", "0");
	assert_usage("'1000000' is not a part of one CPU in percent", "--budget", "1000000");
	assert_usage("'a' is not a part of one CPU in percent", "--budget=a");
	assert_usage("--budget is not for dump but for watch and check", "dump", "--budget", "2");
	assert_usage("a value that it does not take", "--full=1");
	assert_usage("a value that it does not take", "--no-demangle=1");
	assert_usage("is not no-FEATURE", "--debug=no-such");
	assert_usage("is not no-FEATURE", "--debug", "task_storage");
	assert_usage("there is no fallback for btf", "--debug=no-btf");
}

static void a_budget_has_fractions(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "--budget", "0.25"), 0);
	assert_float_equal(options.budget_percent, 0.25, 1e-12);
	options_clear(&options);
	assert_int_equal(parse_words(&options, NULL, "check", "-p", "1", "--budget=50%"), 0);
	assert_float_equal(options.budget_percent, 50, 1e-12);
	options_clear(&options);
}

static void names_are_demangled_unless_that_is_unwanted(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "--plain"), 0);
	assert_true(options.demangle);
	assert_int_equal(parse_words(&options, NULL, "--no-demangle"), 0);
	assert_false(options.demangle);
}

static void features_are_forced_off(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(
		parse_words(&options, NULL, "--debug=no-task_storage", "--debug=no-prev_state"), 0);
	assert_true(options.forced_off[FEATURE_TASK_STORAGE]);
	assert_true(options.forced_off[FEATURE_PREV_STATE]);
	assert_false(options.forced_off[FEATURE_SCHED_INFO]);
}

static void formats_and_units(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "--plain"), 0);
	assert_int_equal(options.units, SHOWN_ALL);
	assert_false(options.runtime_frames);
	assert_int_equal(parse_words(&options, NULL, "-f", "go", "dump", "--runtime-frames"), 0);
	assert_int_equal(options.format, FORMAT_GO);
	assert_true(options.runtime_frames);
	assert_int_equal(parse_words(&options, NULL, "dump", "-f", "pprof", "--unit", "thread"), 0);
	assert_int_equal(options.format, FORMAT_PPROF);
	assert_int_equal(options.units, SHOWN_THREADS);
	assert_int_equal(parse_words(&options, NULL, "--unit=goroutine"), 0);
	assert_int_equal(options.units, SHOWN_GOROUTINES);
	/* Help is given whatever else was said. */
	assert_int_equal(parse_words(&options, NULL, "-f", "go", "--help"), 0);
	assert_int_equal(options.command, COMMAND_HELP);
}

static void diff_takes_two_files(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "diff", "old", "-v", "new", "-t", "3"), 0);
	assert_int_equal(options.command, COMMAND_DIFF);
	assert_int_equal(options.operands_count, 2);
	assert_string_equal(options.operands[0], "old");
	assert_string_equal(options.operands[1], "new");
	assert_true(options.verbose && options.top_given);
	assert_int_equal(options.top, 3);
	assert_int_equal(parse_words(&options, NULL, "-f", "jsonl", "diff", "--", "-v", "-o"), 0);
	assert_string_equal(options.operands[0], "-v");
	assert_string_equal(options.operands[1], "-o");
	assert_false(options.verbose || options.top_given);
	assert_int_equal(parse_words(&options, NULL, "diff", "--help"), 0);
	assert_int_equal(options.command, COMMAND_HELP);

	assert_usage("diff needs two files", "diff");
	assert_usage("diff needs two files", "diff", "old");
	assert_usage("unexpected argument 'more'", "diff", "old", "new", "more");
	assert_usage("unexpected argument '-v'", "diff", "--", "old", "new", "-v");
	assert_usage("diff writes text or jsonl", "diff", "old", "new", "-f", "pprof");
	assert_usage("unknown option '--nope'", "diff", "old", "new", "--nope");
}

static void check_has_defaults_of_its_own(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "check", "-p", "7"), 0);
	assert_int_equal(options.command, COMMAND_CHECK);
	assert_int_equal(options.duration_ns, 60000000000ULL);
	assert_int_equal(options.interval_ns, 2000000000ULL);
	assert_int_equal(options.check.fail_on, CHECK_FAIL_ON_BOTH);
	assert_int_equal(options.check.threads_max, 0);
	options_clear(&options);
	assert_int_equal(parse_words(&options, NULL, "check", "-p", "7", "--for", "15m",
				     "--max-threads", "400", "--max-goroutines=2000",
				     "--max-growth", "2.5/min", "--fail-on", "growing"),
			 0);
	assert_int_equal(options.duration_ns, 900000000000ULL);
	assert_int_equal(options.interval_ns, 5000000000ULL);
	assert_int_equal(options.check.threads_max, 400);
	assert_int_equal(options.check.goroutines_max, 2000);
	assert_true(options.check.growth_max == 2.5);
	assert_int_equal(options.check.fail_on, CHECK_FAIL_ON_GROWING);
	options_clear(&options);
	assert_int_equal(parse_words(&options, NULL, "check", "-p", "7", "-d", "10s", "-i", "1s",
				     "--max-growth=3", "--fail-on=leaking"),
			 0);
	assert_int_equal(options.duration_ns, 10000000000ULL);
	assert_int_equal(options.interval_ns, 1000000000ULL);
	assert_true(options.check.growth_max == 3);
	assert_int_equal(options.check.fail_on, CHECK_FAIL_ON_LEAKING);
	options_clear(&options);
}

static enum command command_of(const char *const *words)
{
	char *argv[ARGUMENTS_MAX] = {(char *)"parkscope"};
	int argc = 1;

	for (; *words; words++)
		argv[argc++] = (char *)*words;
	return options_command(argc, argv);
}

#define assert_command(command, ...) \
	assert_int_equal(command_of((const char *const[]){__VA_ARGS__, NULL}), command)

static void a_replay_takes_what_shows_and_judges(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "--record", "file"), 0);
	assert_int_equal(options.command, COMMAND_WATCH);
	assert_string_equal(options.record, "file");
	assert_null(options.replay);
	assert_false(option_is_given(&options, OPTION_REPLAY));

	assert_int_equal(parse_words(&options, NULL, "--replay", "file", "-f", "jsonl", "-o", "out",
				     "--leak-after", "60s", "--leak-min=4", "-t", "5", "--full"),
			 0);
	assert_int_equal(options.command, COMMAND_REPLAY);
	assert_string_equal(options.replay, "file");
	assert_true(option_is_given(&options, OPTION_LEAK_MIN));
	assert_true(option_is_given(&options, 't'));
	assert_false(option_is_given(&options, OPTION_UNIT));
	assert_int_equal(parse_words(&options, NULL, "watch", "--replay", "file"), 0);
	assert_int_equal(options.command, COMMAND_REPLAY);

	assert_usage("--pid has no meaning with --replay", "-p", "1", "--replay", "file");
	assert_usage("--interval has no meaning with --replay", "--replay", "file", "-i", "1s");
	assert_usage("--record has no meaning with --replay", "--replay", "file", "--record", "f");
	assert_usage("-f pprof is for one look", "--replay", "file", "-f", "pprof");
	assert_usage("--replay is not for dump but for watch", "dump", "--replay", "file");
	assert_usage("--record is not for check but for watch", "check", "--record", "file");
}

static void the_command_is_known_whatever_is_wrong(void **state)
{
	(void)state;
	assert_command(COMMAND_CHECK, "check", "--nope");
	assert_command(COMMAND_CHECK, "--nope", "-p", "x", "check", "-f", "xml");
	assert_command(COMMAND_WATCH, "-p", "check");
	assert_command(COMMAND_WATCH, "chekc");
}

static void help_on_a_command_or_on_all(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_words(&options, NULL, "--help"), 0);
	assert_int_equal(options.command, COMMAND_HELP);
	assert_int_equal(options.help_on, COMMAND_HELP);
	assert_int_equal(parse_words(&options, NULL, "dump", "--help"), 0);
	assert_int_equal(options.command, COMMAND_HELP);
	assert_int_equal(options.help_on, COMMAND_DUMP);
	assert_int_equal(parse_words(&options, NULL, "--help", "watch"), 0);
	assert_int_equal(options.command, COMMAND_HELP);
	assert_int_equal(options.help_on, COMMAND_WATCH);
	assert_int_equal(parse_words(&options, NULL, "dump", "--version"), 0);
	assert_int_equal(options.command, COMMAND_VERSION);
}

/* Prints it to `text`; how many lines it has, none of them longer than 80. */
static size_t print_help(enum command about, char *text, size_t size)
{
	FILE *file = fmemopen(text, size, "w");
	size_t lines = 0;

	assert_non_null(file);
	options_print_help(file, about);
	fclose(file);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		lines++;
		assert_in_range(end - line, 0, 80);
	}
	return lines;
}

static void help_fits_a_screen(void **state)
{
	char text[8192] = "";

	(void)state;
	assert_in_range(print_help(COMMAND_HELP, text, sizeof(text)), 15, 40);
}

static void help_of_a_command_has_its_options_only(void **state)
{
	char text[8192] = "";

	(void)state;
	assert_in_range(print_help(COMMAND_DUMP, text, sizeof(text)), 10, 40);
	assert_non_null(strstr(text, "Usage: parkscope dump "));
	assert_non_null(strstr(text, "--pid PID"));
	assert_null(strstr(text, "--interval"));
	assert_null(strstr(text, "--debug"));
	assert_in_range(print_help(COMMAND_FEATURES, text, sizeof(text)), 5, 40);
	assert_null(strstr(text, "--pid"));
	assert_non_null(strstr(text, "--help"));
	assert_in_range(print_help(COMMAND_CHECK, text, sizeof(text)), 10, 40);
	assert_non_null(strstr(text, "--fail-on WHAT"));
	assert_null(strstr(text, "--format"));
	print_help(COMMAND_WATCH, text, sizeof(text));
	assert_null(strstr(text, "--fail-on"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(options_stand_before_and_after_the_command),
		cmocka_unit_test(pids_repeat_and_take_lists),
		cmocka_unit_test(wrong_usage_is_said_in_one_line),
		cmocka_unit_test(a_budget_has_fractions),
		cmocka_unit_test(names_are_demangled_unless_that_is_unwanted),
		cmocka_unit_test(features_are_forced_off),
		cmocka_unit_test(formats_and_units),
		cmocka_unit_test(diff_takes_two_files),
		cmocka_unit_test(check_has_defaults_of_its_own),
		cmocka_unit_test(a_replay_takes_what_shows_and_judges),
		cmocka_unit_test(the_command_is_known_whatever_is_wrong),
		cmocka_unit_test(help_on_a_command_or_on_all),
		cmocka_unit_test(help_fits_a_screen),
		cmocka_unit_test(help_of_a_command_has_its_options_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
