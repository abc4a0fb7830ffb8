// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "goruntime/go_build_info.h"
#include "goruntime/go_layout.h"
#include "scratch_file.h"
#include "unit_test.h"

static int open_program(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

/* The row of its version, and what its DWARF says: uint16_t's, all of them. */
static void compare_rows(const char *path, const struct go_layout *row,
			 const struct go_layout *dwarf)
{
	const uint16_t *left = (const uint16_t *)row, *right = (const uint16_t *)dwarf;

	for (size_t i = 0; i < sizeof(*row) / sizeof(*left); i++) {
		if (left[i] != right[i])
			fail_msg("%s: the %zuth number of struct go_layout is %u, in DWARF %u",
				 path, i, left[i], right[i]);
	}
}

static void check_program(const char *path)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open_program(path);
	struct go_version version;
	struct go_layout layout;
	struct error error = {0};

	assert_int_equal(elf_image_open_fd(fd, &image, &error), 0);
	assert_int_equal(go_build_info_read(image, NULL, &version), 0);
	if (go_layout_from_dwarf(fd, &layout, &error) != 0)
		fail_msg("%s: %s", path, error.text);
	if (!go_layout_find(&version))
		fail_msg("%s: no row for %s", path, version.text);
	compare_rows(path, go_layout_find(&version), &layout);
	print_message("%s: %s\n", path, version.text);
}

static void rows_agree_with_this_machines_go(void **state)
{
	(void)state;
	check_program(GO_SAMPLE);
}

static void rows_agree_with_other_versions(void **state)
{
	const char *list = getenv("PARKSCOPE_GO_BINARIES");
	autofree char *copy = strdup(list ? list : "");
	char *rest = NULL;

	(void)state;
	assert_non_null(copy);
	for (char *path = strtok_r(copy, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
		check_program(path);
}

static void assert_no_layout(int fd)
{
	struct go_layout layout;
	struct error error = {0};

	memset(&layout, 0x5a, sizeof(layout));
	assert_int_equal(go_layout_from_dwarf(fd, &layout, &error), -ENODATA);
	assert_int_equal(error.code, -ENODATA);
	for (size_t i = 0; i < sizeof(layout); i++)
		assert_int_equal(((const unsigned char *)&layout)[i], 0x5a);
}

static void programs_in_c_have_no_layout(void **state)
{
	autoclose int fd = open_program("/proc/self/exe");

	(void)state;
	assert_no_layout(fd);
}

static void what_is_no_elf_file_has_no_layout(void **state)
{
	autoclose int fd = memfd_create("empty", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_no_layout(fd);
	assert_int_equal(write(fd, "\177ELF\2\1\1", 7), 7);
	assert_no_layout(fd);
}

/* A copy of the sample that ends early: no crash, no layout. */
static void cut_files_are_harmless(void **state)
{
	autoclose int source = open_program(GO_SAMPLE), copy = memfd_create("cut", MFD_CLOEXEC);
	off_t size = lseek(source, 0, SEEK_END);

	(void)state;
	assert_true(size > 0 && copy >= 0);
	for (off_t done = 0; done < size;) {
		char bytes[65536];
		ssize_t got = pread(source, bytes, sizeof(bytes), done);

		assert_true(got > 0);
		assert_int_equal(write(copy, bytes, (size_t)got), got);
		done += got;
	}
	for (off_t part = 1; part < 8; part++) {
		assert_int_equal(ftruncate(copy, size / 8 * (8 - part)), 0);
		assert_no_layout(copy);
	}
}

/* libdw would open the file that this one names. */
static void files_that_name_others_have_no_layout(void **state)
{
	static const char *const sections[] = {".gnu_debugaltlink", ".debug_sup"};
	struct scratch scratch;

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		autoclose int fd = -1;
		char command[512];

		scratch_make(&scratch);
		snprintf(command, sizeof(command),
			 "objcopy --add-section %s=/etc/hostname '" GO_SAMPLE "' %s", sections[i],
			 scratch.file);
		assert_int_equal(system(command), 0);
		fd = open_program(scratch.file);
		assert_no_layout(fd);
		scratch_remove(&scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree_with_this_machines_go),
		cmocka_unit_test(rows_agree_with_other_versions),
		cmocka_unit_test(programs_in_c_have_no_layout),
		cmocka_unit_test(what_is_no_elf_file_has_no_layout),
		cmocka_unit_test(cut_files_are_harmless),
		cmocka_unit_test(files_that_name_others_have_no_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
