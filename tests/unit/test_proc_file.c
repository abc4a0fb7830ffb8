// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit_test.h"

/* A file of `size` bytes, every one of them `x`, named by its descriptor. */
static int make_file(size_t size, char path[64])
{
	int fd = memfd_create("proc_file", MFD_CLOEXEC);
	autofree char *text = malloc(size + 1);

	assert_true(fd >= 0);
	assert_non_null(text);
	memset(text, 'x', size);
	assert_int_equal(write(fd, text, size), size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void sizes_around_the_limit(void **state)
{
	static const struct {
		size_t size, limit, expected;
		bool truncated;
	} cases[] = {
		{0, 10, 0, false},
		{9, 10, 9, false},
		{10, 10, 10, false},
		{11, 10, 10, true},
		{4096, 5000, 4096, false},
		{100000, 100000, 100000, false},
		{100001, 100000, 100000, true},
		{5, 0, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[64];
		int fd = make_file(cases[i].size, path);
		struct proc_text text;

		assert_int_equal(proc_file_read(AT_FDCWD, path, cases[i].limit, &text), 0);
		assert_int_equal(text.size, cases[i].expected);
		assert_int_equal(text.truncated, cases[i].truncated);
		assert_int_equal(strlen(text.text), cases[i].expected);
		free(text.text);
		close(fd);
	}
}

static void a_missing_file_is_an_error_and_leaves_the_output_alone(void **state)
{
	struct proc_text text = {.size = 77};

	(void)state;
	assert_int_equal(proc_file_read(AT_FDCWD, "/proc/self/nothing", 100, &text), -ENOENT);
	assert_int_equal(text.size, 77);
}

static void reads_a_real_proc_file(void **state)
{
	struct proc_text text;

	(void)state;
	assert_int_equal(proc_file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &text), 0);
	assert_non_null(strstr(text.text, "\nPid:\t"));
	assert_false(text.truncated);
	free(text.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_around_the_limit),
		cmocka_unit_test(a_missing_file_is_an_error_and_leaves_the_output_alone),
		cmocka_unit_test(reads_a_real_proc_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
