// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "commands/commands.h"
#include "options.h"
#include "output/buffer.h"
#include "output/check_line.h"
#include "output/escape.h"
#include "version.h"

enum {
	/* Blocks from that size on are mappings of their own, and given back when freed. */
	OWN_MAPPING_SIZE = 1 << 20,
};

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	/* As diff(1) has them. */
	EXIT_SAME = 0,
	EXIT_DIFFERS = 1,
	EXIT_TROUBLE = 2
};

/* One line, whatever an argument or a file name had in it. */
static void print_error(const struct error *error, const char *hint)
{
	char safe[4 * sizeof(error->text)];

	escape_text(error->text, false, safe, sizeof(safe));
	fprintf(stderr, "parkscope: %s%s\n", safe, hint);
}

/* Where a monitoring system looks for it. */
static int print_unknown(const struct error *error, const char *hint)
{
	struct buffer line = {0};

	check_line_escaped(&line, error->text, false);
	if (!line.failed)
		printf("PARKSCOPE %s - %.*s%s\n", check_status_name(CHECK_UNKNOWN),
		       (int)line.length, line.data, hint);
	buffer_release(&line);
	if (fflush(stdout) && errno != EPIPE)
		print_error(error, hint);
	return CHECK_UNKNOWN;
}

static int run_check(const struct options *options)
{
	enum check_status status = CHECK_UNKNOWN;
	struct error error = {0};

	return check_run(options, &status, &error) ? print_unknown(&error, "") : (int)status;
}

/* A standard stream that is closed would become the first file that we open. */
static int keep_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int flush(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "parkscope: cannot write to standard output\n");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int run_diff(const struct options *options)
{
	struct error error = {0};
	bool differs = false;
	int err = diff_run(options, &differs, &error);

	if (!err || err == -EPIPE)
		return differs ? EXIT_DIFFERS : EXIT_SAME;
	print_error(&error, "");
	return EXIT_TROUBLE;
}

static int run(const struct options *options)
{
	struct error error = {0};
	int err;

	switch (options->command) {
	case COMMAND_HELP:
		options_print_help(stdout, options->help_on);
		return flush();
	case COMMAND_VERSION:
		printf("parkscope %s\n", PARKSCOPE_VERSION);
		return flush();
	case COMMAND_CHECK:
		return run_check(options);
	case COMMAND_FEATURES:
		err = features_run(options, &error);
		break;
	case COMMAND_DIFF:
		return run_diff(options);
	case COMMAND_REPLAY:
		err = replay_run(options, &error);
		break;
	case COMMAND_DUMP:
		err = dump_run(options, &error);
		break;
	default:
		err = watch_run(options, &error);
		break;
	}
	if (!err || err == -EPIPE)
		return EXIT_DONE;
	print_error(&error, "");
	return EXIT_FAILED;
}

int main(int argc, char *argv[])
{
	struct options options;
	struct error error = {0};
	int status;

	/* glibc would raise it with each block that is freed: what starting took stayed then. */
	mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_SIZE);
	/* A reader that goes away is -EPIPE at the next write. */
	signal(SIGPIPE, SIG_IGN);
	if (keep_standard_streams())
		return EXIT_FAILED;
	if (options_parse(argc, argv, &options, &error)) {
		if (options_command(argc, argv) == COMMAND_CHECK)
			return print_unknown(&error, ". Try 'parkscope check --help'.");
		print_error(&error, ". Try 'parkscope --help'.");
		return EXIT_USAGE;
	}
	status = run(&options);
	options_clear(&options);
	return status;
}
