// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <string.h>

#include "input/dump_file.h"
#include "scratch_file.h"

static void write_file(const struct scratch *scratch, const char *bytes, size_t length)
{
	FILE *file = fopen(scratch->file, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void assert_refused(const char *path, int code, const char *message)
{
	struct error error = {0};
	struct dump *dump = NULL;
	char expected[256];

	snprintf(expected, sizeof(expected), "%s: %s", path, message);
	assert_int_equal(dump_file_read(path, &dump, &error), code);
	assert_string_equal(error.text, expected);
	assert_null(dump);
}

static void test_the_first_byte_tells_the_format(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	write_file(&scratch, "{}\n", 3);
	assert_refused(scratch.file, -EBADMSG, "line 1: this is no record of parkscope");
	write_file(&scratch, "\x1f\x8b", 2);
	assert_refused(scratch.file, -EBADMSG, "its compressed data is cut");
	write_file(&scratch,
		   "\x7f"
		   "ELF",
		   4);
	assert_refused(scratch.file, -EBADMSG,
		       "it is no dump: make one by 'parkscope dump -f jsonl', or -f pprof");
	write_file(&scratch, "", 0);
	assert_refused(scratch.file, -EBADMSG, "it is empty");
	scratch_remove(&scratch);
}

static void test_files_that_cannot_be_read(void **state)
{
	(void)state;
	assert_refused("/nonexistent/file", -ENOENT, "No such file or directory");
	assert_refused("/tmp", -EISDIR, "Is a directory");
}

static void test_an_empty_dump(void **state)
{
	static const char text[] =
		"{\"@timestamp\":\"2026-01-31T23:59:59.000Z\",\"event\":{\"dataset\":"
		"\"parkscope.start\"},\"parkscope\":{\"schema\":\"1.1\",\"command\":\"dump\"}}\n"
		"{\"event\":{\"dataset\":\"parkscope.end\"},\"parkscope\":{}}\n";
	struct scratch scratch;
	struct dump *dump = NULL;

	(void)state;
	scratch_make(&scratch);
	write_file(&scratch, text, strlen(text));
	assert_int_equal(dump_file_read(scratch.file, &dump, NULL), 0);
	assert_int_equal(dump->processes_count, 0);
	assert_int_equal(dump->wall_ns, 1769903999000000000);
	dump_free(dump);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_byte_tells_the_format),
		cmocka_unit_test(test_files_that_cannot_be_read),
		cmocka_unit_test(test_an_empty_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
