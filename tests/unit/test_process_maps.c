// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit_test.h"

static const char fixture[] =
	"00400000-00401000 r--p 00000000 fd:01 1234                               /usr/bin/app\n"
	"00401000-00402000 r-xp 00001000 fd:01 1234                               /usr/bin/app\n"
	"00402000-00403000 rw-p 00000000 00:00 0 \n"
	"01000000-01021000 rw-p 00000000 00:00 0                                  [heap]\n"
	"7f0000000000-7f0000001000 r-xp 00000000 00:01 42      /memfd:jit code (deleted)\n"
	"7f0000002000-7f0000003000 r-xp 00000000 103:12 7 /tmp/with\\012newline and (deleted)x\n"
	"7f0000003000-7f0000004000 r-xp 00000000 00:00 0\n"
	"7f0000004000-7f0000005000 rw-p 00000000 00:00 0                   [anon:some name]\n"
	"7ffff7fc0000-7ffff7fc2000 r-xp 00000000 00:00 0                          [vdso]\n"
	"7ffff7fc2000-7ffff7fc3000 r-xp 00000000 08:01 9                          [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct process_maps *parse(const char *text, enum process_maps_filter filter)
{
	struct process_maps *maps = NULL;

	assert_int_equal(process_maps_parse(text, strlen(text), filter, &maps), 0);
	assert_non_null(maps);
	return maps;
}

static void fields_are_read(void **state)
{
	auto_free(process_maps) struct process_maps *maps = parse(fixture, PROCESS_MAPS_ALL);
	const struct mapping *mapping;

	(void)state;
	assert_int_equal(process_maps_count(maps), 11);
	assert_int_equal(process_maps_lines(maps), 11);
	assert_false(process_maps_truncated(maps));

	mapping = process_maps_find(maps, 0x401fff);
	assert_int_equal(mapping->start, 0x401000);
	assert_int_equal(mapping->end, 0x402000);
	assert_int_equal(mapping->file_offset, 0x1000);
	assert_int_equal(mapping->device_major, 0xfd);
	assert_int_equal(mapping->device_minor, 1);
	assert_int_equal(mapping->inode, 1234);
	assert_int_equal(mapping->kind, MAPPING_FILE);
	assert_true(mapping->executable);
	assert_false(mapping->deleted);
	assert_string_equal(mapping->path, "/usr/bin/app");
	assert_string_equal(mapping_module(mapping), "app");
	assert_false(process_maps_find(maps, 0x400000)->executable);
}

static void kinds_and_names(void **state)
{
	static const struct {
		uint64_t address;
		enum mapping_kind kind;
		bool deleted;
		const char *module;
	} cases[] = {
		{0x402000, MAPPING_ANONYMOUS, false, "[anon]"},
		{0x1000000, MAPPING_SPECIAL, false, "[heap]"},
		{0x7f0000000000, MAPPING_FILE, true, "memfd:jit code"},
		{0x7f0000002000, MAPPING_FILE, false, "with\\012newline and (deleted)x"},
		{0x7f0000003000, MAPPING_ANONYMOUS, false, "[anon]"},
		{0x7f0000004000, MAPPING_SPECIAL, false, "[anon:some name]"},
		{0x7ffff7fc0000, MAPPING_VDSO, false, "[vdso]"},
		/* It has an inode: a file that only calls itself so. */
		{0x7ffff7fc2000, MAPPING_FILE, false, "[vdso]"},
		{0xffffffffff600000, MAPPING_SPECIAL, false, "[vsyscall]"},
	};
	auto_free(process_maps) struct process_maps *maps = parse(fixture, PROCESS_MAPS_ALL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mapping *mapping = process_maps_find(maps, cases[i].address);

		assert_non_null(mapping);
		assert_int_equal(mapping->kind, cases[i].kind);
		assert_int_equal(mapping->deleted, cases[i].deleted);
		assert_string_equal(mapping_module(mapping), cases[i].module);
	}
}

static void addresses_outside_find_nothing(void **state)
{
	auto_free(process_maps) struct process_maps *maps = parse(fixture, PROCESS_MAPS_ALL);
	auto_free(process_maps) struct process_maps *empty = parse("", PROCESS_MAPS_ALL);

	(void)state;
	assert_null(process_maps_find(maps, 0));
	assert_null(process_maps_find(maps, 0x3fffff));
	assert_null(process_maps_find(maps, 0x403000));
	assert_null(process_maps_find(maps, 0x7f0000001000));
	assert_null(process_maps_find(maps, UINT64_MAX));
	assert_int_equal(process_maps_count(empty), 0);
	assert_null(process_maps_find(empty, 0));
	assert_null(process_maps_at(empty, 0));
}

static void the_filter_keeps_executable_ones(void **state)
{
	auto_free(process_maps) struct process_maps *maps = parse(fixture, PROCESS_MAPS_EXECUTABLE);

	(void)state;
	assert_int_equal(process_maps_count(maps), 7);
	assert_int_equal(process_maps_lines(maps), 11);
	assert_null(process_maps_find(maps, 0x400000));
	assert_non_null(process_maps_find(maps, 0x401000));
}

static void hostile_lines_are_left_out(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"-",
		"00400000",
		"00400000-",
		"00400000-00401000",
		"00400000-00401000 r-x",
		"00400000-00401000 r-xp",
		"00400000-00401000 r-xp 0 fd:01",
		"00400000-00401000 r-xp 0 fd:01 ",
		"00400000-00401000 r-xp 0 fd01 1 /x",
		"00400000-00400000 r-xp 00000000 fd:01 1 /empty",
		"00401000-00400000 r-xp 00000000 fd:01 1 /backwards",
		"10000000000000000-10000000000000001 r-xp 00000000 fd:01 1 /overflow",
		"00400000-00401000 r-xp 00000000 100000000:01 1 /device",
		"00400000-00401000 r-xp 00000000 fd:01 99999999999999999999 /inode",
		"00400000-00401000 r-xp 00000000 fd:01 12a /inode",
		"0X400000-00401000 r-xp 00000000 fd:01 1 /x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		auto_free(process_maps) struct process_maps *maps =
			parse(lines[i], PROCESS_MAPS_ALL);

		assert_int_equal(process_maps_count(maps), 0);
	}
}

static void disorder_is_left_out(void **state)
{
	auto_free(process_maps) struct process_maps *maps =
		parse("2000-3000 r-xp 0 00:01 1 /a\n"
		      "1000-1800 r-xp 0 00:01 1 /before\n"
		      "2800-3800 r-xp 0 00:01 1 /overlaps\n"
		      "3000-4000 r-xp 0 00:01 1 /b\n",
		      PROCESS_MAPS_ALL);

	(void)state;
	assert_int_equal(process_maps_count(maps), 2);
	assert_string_equal(process_maps_at(maps, 0)->path, "/a");
	assert_string_equal(process_maps_at(maps, 1)->path, "/b");
	assert_null(process_maps_at(maps, 2));
}

static void a_nul_hides_nothing(void **state)
{
	static const char text[] = "1000-2000 r-xp 0 00:01 1 /a\0b\n2000-3000 r-xp 0 00:01 1 /c";
	auto_free(process_maps) struct process_maps *maps = NULL;

	(void)state;
	assert_int_equal(process_maps_parse(text, sizeof(text) - 1, PROCESS_MAPS_ALL, &maps), 0);
	assert_int_equal(process_maps_count(maps), 1);
	assert_string_equal(process_maps_at(maps, 0)->path, "/c");
}

static void every_prefix_of_the_text_is_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(fixture); size++) {
		auto_free(process_maps) struct process_maps *maps = NULL;
		autofree char *copy = malloc(size ? size : 1);

		/* In a block of its own, where a sanitizer sees a read behind its end. */
		memcpy(copy, fixture, size);
		assert_int_equal(process_maps_parse(copy, size, PROCESS_MAPS_ALL, &maps), 0);
		assert_true(process_maps_count(maps) <= 11);
	}
}

static void the_number_is_bounded(void **state)
{
	enum {
		LINES = PROCESS_MAPS_MAX + 10,
		WIDTH = 64
	};
	auto_free(process_maps) struct process_maps *maps = NULL;
	autofree char *text = malloc((size_t)LINES * WIDTH);
	size_t size = 0;

	(void)state;
	for (unsigned int i = 0; i < LINES; i++)
		size += (size_t)snprintf(text + size, WIDTH, "%x000-%x000 r-xp 0 00:01 %u /f%u\n",
					 i + 1, i + 2, i + 1, i);
	assert_int_equal(process_maps_parse(text, size, PROCESS_MAPS_ALL, &maps), 0);
	assert_int_equal(process_maps_count(maps), PROCESS_MAPS_MAX);
	assert_int_equal(process_maps_lines(maps), LINES);
	assert_true(process_maps_truncated(maps));
	assert_string_equal(process_maps_find(maps, 0x8000)->path, "/f7");
	assert_true(process_maps_memory(maps) > PROCESS_MAPS_MAX * sizeof(struct mapping));
}

static void finds_its_own_code(void **state)
{
	auto_free(process_maps) struct process_maps *maps = NULL;
	const struct mapping *mapping;
	struct error error = {0};

	(void)state;
	assert_int_equal(process_maps_read(getpid(), PROCESS_MAPS_EXECUTABLE, &maps, &error), 0);
	mapping = process_maps_find(maps, (uint64_t)(uintptr_t)finds_its_own_code);
	assert_non_null(mapping);
	assert_string_equal(mapping_module(mapping), "test_process_maps");
	assert_true(mapping->executable);
}

static void no_such_process(void **state)
{
	struct process_maps *maps = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(process_maps_read(1 << 30, PROCESS_MAPS_ALL, &maps, &error), -ESRCH);
	assert_null(maps);
	assert_non_null(strstr(error.text, "/proc/1073741824/maps"));
}

static uint64_t own_code_pages(void)
{
	return process_maps_code_pages(getpid());
}

/* Of a heap it knows nothing; of what is mapped to be executed or read only, everything. */
static void code_pages_change_with_code(void **state)
{
	const size_t size = 64 << 10;
	uint64_t pages = size / (size_t)sysconf(_SC_PAGESIZE);
	uint64_t before = own_code_pages();
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *code;

	(void)state;
	assert_ptr_not_equal(data, MAP_FAILED);
	assert_true(before > 0);
	assert_int_equal(own_code_pages(), before);
	code = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	assert_int_equal(own_code_pages(), before + pages);
	assert_int_equal(munmap(code, size), 0);
	assert_int_equal(munmap(data, size), 0);
	assert_int_equal(own_code_pages(), before);
}

static void code_pages_of_nobody_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(process_maps_code_pages(1 << 30), 0);
	/* kthreadd has no memory. */
	assert_int_equal(process_maps_code_pages(2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(kinds_and_names),
		cmocka_unit_test(addresses_outside_find_nothing),
		cmocka_unit_test(the_filter_keeps_executable_ones),
		cmocka_unit_test(hostile_lines_are_left_out),
		cmocka_unit_test(disorder_is_left_out),
		cmocka_unit_test(a_nul_hides_nothing),
		cmocka_unit_test(every_prefix_of_the_text_is_survived),
		cmocka_unit_test(the_number_is_bounded),
		cmocka_unit_test(finds_its_own_code),
		cmocka_unit_test(no_such_process),
		cmocka_unit_test(code_pages_change_with_code),
		cmocka_unit_test(code_pages_of_nobody_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
