// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_tables.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go_line_fixture.h"

static int fixture_file(void)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	struct go_fixture fixture;

	go_fixture_init(&fixture, GO_FIXTURE_1_20);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, fixture.bytes, sizeof(fixture.bytes)), sizeof(fixture.bytes));
	return fd;
}

static struct go_shared_lines *get(struct go_line_tables *tables, int fd)
{
	struct go_shared_lines *shared = NULL;

	assert_int_equal(go_line_tables_get(tables, fd, &shared, NULL), 0);
	return shared;
}

static void assert_works(const struct go_shared_lines *shared)
{
	struct go_call call;

	assert_int_equal(
		go_line_table_find(go_shared_lines_table(shared), NULL, GO_FIXTURE_TEXT, &call, 1),
		1);
	assert_string_equal(call.function, "main.plain");
}

static void one_file_has_one_table(void **state)
{
	auto_free(go_line_tables) struct go_line_tables *tables = go_line_tables_new();
	autoclose int fd = fixture_file(), again = dup(fd), other = fixture_file();
	struct go_shared_lines *first = get(tables, fd), *second = get(tables, again),
			       *third = get(tables, other);

	(void)state;
	assert_ptr_equal(first, second);
	assert_ptr_not_equal(go_shared_lines_table(first), go_shared_lines_table(third));
	go_shared_lines_release(first);
	assert_works(second);
	assert_ptr_equal(get(tables, fd), second);
	go_shared_lines_release(second);
	go_shared_lines_release(second);
	assert_works(third);
	go_shared_lines_release(third);
	go_shared_lines_release(NULL);
}

/* The number that a new descriptor gets. */
static int next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void the_last_user_closes_it(void **state)
{
	auto_free(go_line_tables) struct go_line_tables *tables = go_line_tables_new();
	autoclose int fd = fixture_file();
	int next = next_descriptor();
	struct go_shared_lines *first = get(tables, fd), *second = get(tables, fd);

	(void)state;
	assert_int_equal(next_descriptor(), next + 1);
	go_shared_lines_release(second);
	assert_int_equal(next_descriptor(), next + 1);
	go_shared_lines_release(first);
	assert_int_equal(next_descriptor(), next);
	first = get(tables, fd);
	assert_works(first);
	go_shared_lines_release(first);
}

/* As a file that was written in place: its time of change is another. */
static void changed_files_have_others(void **state)
{
	auto_free(go_line_tables) struct go_line_tables *tables = go_line_tables_new();
	autoclose int fd = fixture_file();
	struct go_shared_lines *first = get(tables, fd), *second;

	(void)state;
	assert_int_equal(ftruncate(fd, GO_FIXTURE_SIZE + 1), 0);
	second = get(tables, fd);
	assert_ptr_not_equal(first, second);
	go_shared_lines_release(first);
	assert_works(second);
	go_shared_lines_release(second);
}

static void users_may_outlive_the_tables(void **state)
{
	struct go_line_tables *tables = go_line_tables_new();
	autoclose int fd = fixture_file();
	struct go_shared_lines *shared = get(tables, fd);

	(void)state;
	go_line_tables_free(tables);
	assert_works(shared);
	go_shared_lines_release(shared);
	go_line_tables_free(NULL);
}

static void files_without_table(void **state)
{
	auto_free(go_line_tables) struct go_line_tables *tables = go_line_tables_new();
	autoclose int fd = memfd_create("empty", MFD_CLOEXEC);
	struct go_shared_lines *shared = NULL;

	(void)state;
	assert_true(go_line_tables_get(tables, fd, &shared, NULL) < 0);
	assert_int_equal(go_line_tables_get(tables, -1, &shared, NULL), -EBADF);
	assert_null(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file_has_one_table),
		cmocka_unit_test(the_last_user_closes_it),
		cmocka_unit_test(changed_files_have_others),
		cmocka_unit_test(users_may_outlive_the_tables),
		cmocka_unit_test(files_without_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
