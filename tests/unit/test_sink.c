// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "output/sink.h"
#include "scratch_file.h"

static int write_text(struct sink *sink, const char *text, struct error *error)
{
	return sink_write(sink, text, strlen(text), error);
}

static void test_appends_to_a_private_file(void **state)
{
	auto_free(sink) struct sink *first = NULL, *second = NULL;
	struct scratch scratch;
	struct stat status;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(sink_open(scratch.file, &first, NULL), 0);
	assert_int_equal(write_text(first, "one\n", NULL), 0);
	assert_int_equal(sink_open(scratch.file, &second, NULL), 0);
	assert_int_equal(write_text(second, "two\n", NULL), 0);
	assert_int_equal(write_text(first, "three\n", NULL), 0);
	assert_int_equal(sink_write(first, "", 0, NULL), 0);
	assert_file(scratch.file, "one\ntwo\nthree\n");
	assert_int_equal(stat(scratch.file, &status), 0);
	assert_int_equal(status.st_mode & 0137, 0);
	assert_false(sink_is_terminal(first));
	scratch_remove(&scratch);
}

static void test_a_document_replaces_the_file(void **state)
{
	auto_free(sink) struct sink *sink = NULL, *null = NULL;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(write_text(sink, "old, and its line is cut", NULL), 0);
	assert_int_equal(sink_empty(sink, NULL), 0);
	assert_int_equal(write_text(sink, "new\n", NULL), 0);
	assert_file(scratch.file, "new\n");
	scratch_remove(&scratch);

	assert_int_equal(sink_open("/dev/null", &null, NULL), 0);
	assert_int_equal(sink_empty(null, NULL), 0);
}

static void test_refuses_what_is_no_file(void **state)
{
	struct sink *sink = (struct sink *)1;
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/tmp", &sink, &error), -EISDIR);
	assert_string_equal(error.text, "cannot open /tmp: Is a directory");
	assert_int_equal(sink_open("/nonexistent/file", &sink, &error), -ENOENT);
	assert_string_equal(error.text, "cannot open /nonexistent/file: No such file or directory");
	assert_ptr_equal(sink, (struct sink *)1);
}

static void test_a_fifo_never_blocks_at_open(void **state)
{
	auto_free(sink) struct sink *sink = NULL;
	struct scratch scratch;
	struct error error = {0};
	char text[8] = "";
	int reader;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(mkfifo(scratch.file, 0600), 0);
	alarm(10);
	assert_int_equal(sink_open(scratch.file, &sink, &error), -ENXIO);
	assert_non_null(strstr(error.text, "nobody reads this FIFO"));
	reader = open(scratch.file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(write_text(sink, "hello\n", NULL), 0);
	assert_int_equal(read(reader, text, sizeof(text) - 1), 6);
	assert_string_equal(text, "hello\n");
	close(reader);
	assert_int_equal(write_text(sink, "hello\n", &error), -EPIPE);
	assert_non_null(strstr(error.text, "Broken pipe"));
	alarm(0);
	scratch_remove(&scratch);
}

struct slow_reader {
	int fd;
	size_t total;
};

static void *read_slowly(void *argument)
{
	struct slow_reader *reader = argument;
	char text[1000];
	ssize_t count;

	while ((count = read(reader->fd, text, sizeof(text))) > 0)
		reader->total += (size_t)count;
	return NULL;
}

/* Somebody may have made our standard output non-blocking: what does not fit has to wait. */
static void test_writes_everything_to_a_nonblocking_pipe(void **state)
{
	const size_t length = 4 << 20;
	char *text = malloc(length);
	struct slow_reader reader = {0};
	struct sink *sink = NULL;
	int saved = dup(STDOUT_FILENO);
	pthread_t thread;
	int pipes[2], code;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', length);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(fcntl(pipes[1], F_SETFL, O_NONBLOCK), 0);
	reader.fd = pipes[0];
	fflush(stdout);
	dup2(pipes[1], STDOUT_FILENO);
	close(pipes[1]);
	assert_int_equal(sink_open(NULL, &sink, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	code = sink_write(sink, text, length, NULL);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(code, 0);
	assert_int_equal(reader.total, length);
	sink_free(sink);
	close(pipes[0]);
	free(text);
}

static void test_says_that_the_disk_is_full(void **state)
{
	auto_free(sink) struct sink *sink = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/dev/full", &sink, NULL), 0);
	assert_int_equal(write_text(sink, "text\n", &error), -ENOSPC);
	assert_string_equal(error.text, "cannot write to /dev/full: No space left on device");
	assert_int_equal(error.code, -ENOSPC);
}

static void test_a_cut_line_is_ended_before_the_next(void **state)
{
	auto_free(sink) struct sink *sink = NULL;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(write_text(sink, "cut", NULL), 0);
	assert_int_equal(write_text(sink, "whole\n", NULL), 0);
	assert_int_equal(write_text(sink, "whole\n", NULL), 0);
	assert_file(scratch.file, "cut\nwhole\nwhole\n");
	scratch_remove(&scratch);
}

static void test_reopens_after_rotation(void **state)
{
	auto_free(sink) struct sink *sink = NULL;
	struct scratch scratch;
	char rotated[64];

	(void)state;
	scratch_make(&scratch);
	snprintf(rotated, sizeof(rotated), "%s/file.1", scratch.directory);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(write_text(sink, "old\n", NULL), 0);
	assert_int_equal(rename(scratch.file, rotated), 0);
	assert_int_equal(write_text(sink, "still old\n", NULL), 0);
	assert_int_equal(sink_reopen(sink, NULL), 0);
	assert_int_equal(write_text(sink, "new\n", NULL), 0);
	assert_file(rotated, "old\nstill old\n");
	assert_file(scratch.file, "new\n");
	unlink(rotated);
	scratch_remove(&scratch);
}

static void test_a_failed_reopen_keeps_the_old_file(void **state)
{
	auto_free(sink) struct sink *sink = NULL;
	struct scratch scratch;
	struct error error = {0};
	char rotated[64];

	(void)state;
	scratch_make(&scratch);
	snprintf(rotated, sizeof(rotated), "%s/file.1", scratch.directory);
	assert_int_equal(sink_open(scratch.file, &sink, NULL), 0);
	assert_int_equal(rename(scratch.file, rotated), 0);
	assert_int_equal(mkdir(scratch.file, 0700), 0);
	assert_int_equal(sink_reopen(sink, &error), -EISDIR);
	assert_non_null(strstr(error.text, "Is a directory"));
	assert_int_equal(write_text(sink, "kept\n", NULL), 0);
	assert_file(rotated, "kept\n");
	unlink(rotated);
	assert_int_equal(rmdir(scratch.file), 0);
	scratch_remove(&scratch);
}

static void test_stdout_is_used_and_left_open(void **state)
{
	struct sink *sink = NULL;
	struct scratch scratch;
	int saved = dup(STDOUT_FILENO);
	int fd;

	(void)state;
	assert_true(saved >= 0);
	scratch_make(&scratch);
	fd = open(scratch.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	assert_int_equal(sink_open(NULL, &sink, NULL), 0);
	assert_int_equal(write_text(sink, "to stdout\n", NULL), 0);
	assert_int_equal(sink_reopen(sink, NULL), 0);
	sink_free(sink);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_file(scratch.file, "to stdout\n");
	scratch_remove(&scratch);
	sink_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends_to_a_private_file),
		cmocka_unit_test(test_a_document_replaces_the_file),
		cmocka_unit_test(test_refuses_what_is_no_file),
		cmocka_unit_test(test_a_fifo_never_blocks_at_open),
		cmocka_unit_test(test_writes_everything_to_a_nonblocking_pipe),
		cmocka_unit_test(test_says_that_the_disk_is_full),
		cmocka_unit_test(test_a_cut_line_is_ended_before_the_next),
		cmocka_unit_test(test_reopens_after_rotation),
		cmocka_unit_test(test_a_failed_reopen_keeps_the_old_file),
		cmocka_unit_test(test_stdout_is_used_and_left_open),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
