// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/debug_file.h"

#include <errno.h>
#include <string.h>

#include "elf_fixture.h"
#include "scratch_file.h"

/* Of elf_fixture_init(). */
#define BUILD_ID "deadbeef01020304"

/* A directory of debug files with one entry; `file` of the scratch is not used. */
struct fixture {
	struct scratch scratch;
	char directory[64];
	char path[128];
};

static void fixture_make(struct fixture *fixture)
{
	scratch_make(&fixture->scratch);
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/de",
		 fixture->scratch.directory);
	snprintf(fixture->path, sizeof(fixture->path), "%s/adbeef01020304.debug",
		 fixture->directory);
	assert_int_equal(mkdir(fixture->directory, 0700), 0);
}

static void fixture_remove(struct fixture *fixture)
{
	assert_int_equal(remove(fixture->path), 0);
	assert_int_equal(rmdir(fixture->directory), 0);
	scratch_remove(&fixture->scratch);
}

static void write_entry(const struct fixture *fixture, const void *bytes, size_t size)
{
	int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void test_by_its_build_id(void **state)
{
	struct fixture fixture;
	struct elf_fixture elf;
	char magic[4];
	int fd;

	(void)state;
	fixture_make(&fixture);
	elf_fixture_init(&elf, SHT_SYMTAB);
	write_entry(&fixture, &elf, sizeof(elf));
	fd = debug_file_open(fixture.scratch.directory, BUILD_ID);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, magic, sizeof(magic), 0), sizeof(magic));
	assert_memory_equal(magic, ELFMAG, sizeof(magic));
	close(fd);
	assert_int_equal(debug_file_open(fixture.scratch.directory, "de00"), -ENOENT);
	assert_int_equal(debug_file_open(fixture.scratch.directory, "de"), -ENOENT);
	assert_int_equal(debug_file_open("", BUILD_ID), -ENOENT);
	assert_int_equal(debug_file_open(NULL, BUILD_ID), -ENOENT);
	fixture_remove(&fixture);
}

static void test_another_build_id(void **state)
{
	struct fixture fixture;
	struct elf_fixture elf;

	(void)state;
	fixture_make(&fixture);
	elf_fixture_init(&elf, SHT_SYMTAB);
	elf.note.id[7] ^= 1;
	write_entry(&fixture, &elf, sizeof(elf));
	assert_int_equal(debug_file_open(fixture.scratch.directory, BUILD_ID), -ESTALE);
	fixture_remove(&fixture);
}

static void test_no_elf_file(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture);
	write_entry(&fixture, "text", 4);
	assert_int_equal(debug_file_open(fixture.scratch.directory, BUILD_ID), -ENOEXEC);
	fixture_remove(&fixture);
}

static void test_no_regular_file(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture);
	assert_int_equal(mkfifo(fixture.path, 0600), 0);
	assert_int_equal(debug_file_open(fixture.scratch.directory, BUILD_ID), -EINVAL);
	fixture_remove(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_its_build_id),
		cmocka_unit_test(test_another_build_id),
		cmocka_unit_test(test_no_elf_file),
		cmocka_unit_test(test_no_regular_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
