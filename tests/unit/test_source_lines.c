// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/source_lines.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "scratch_file.h"
#include "symbols/elf_symbols.h"
#include "unit_test.h"

enum {
	ADDRESSES_MAX = 1024,
	ANSWER_MAX = 512,
	COMMAND_MAX = 32768,
};

static const struct source_lines_options no_debug_files = {.debug_directory = ""};

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct source_lines *load(const char *path, const struct source_lines_options *options)
{
	struct source_lines *lines = NULL;
	autoclose int fd = open_file(path);

	assert_int_equal(source_lines_load(fd, options, &lines, NULL), 0);
	return lines;
}

static void assert_no_lines(int fd, const struct source_lines_options *options, int expected)
{
	struct source_lines *lines = NULL;
	struct error error = {0};

	assert_int_equal(source_lines_load(fd, options, &lines, &error), expected);
	assert_null(lines);
	assert_int_equal(error.code, expected);
}

/* The function outer() of the sample. */
static void find_outer(uint64_t *address, uint64_t *size)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autoclose int fd = open_file(SOURCE_LINES_SAMPLE);

	assert_int_equal(elf_symbols_load(fd, NULL, &symbols, NULL), 0);
	for (uint64_t vaddr = 0; vaddr < 1 << 20; vaddr++) {
		struct elf_symbol symbol;

		if (!elf_symbols_find(symbols, vaddr, &symbol) || strcmp(symbol.name, "outer"))
			continue;
		*address = symbol.address;
		*size = symbol.size;
		return;
	}
	fail_msg("outer() is not there");
}

/* "function file:line" for each level, innermost first. */
static void describe(const struct source_lines *lines, uint64_t vaddr, char answer[ANSWER_MAX])
{
	const struct source_location *found;
	size_t count = source_lines_find(lines, vaddr, &found), used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *file = found[i].file ? strrchr(found[i].file, '/') + 1 : "?";

		used += (size_t)snprintf(answer + used, ANSWER_MAX - used, "%s %s:%u\n",
					 found[i].function ? found[i].function : "outer", file,
					 found[i].line);
		assert_true(used < ANSWER_MAX);
	}
}

/* "file:line" of "/path/file:line (discriminator 3)"; a file without line is as unknown to us. */
static const char *place_of(char *line)
{
	size_t length;

	line[strcspn(line, " ")] = '\0';
	length = strlen(line);
	return length && line[length - 1] == '?' ? "?:0" : strrchr(line, '/') + 1;
}

/* The same as addr2line says it: a line with the address, then two lines for each level. */
static void ask_addr2line(uint64_t address, size_t count, char answers[][ANSWER_MAX])
{
	char command[COMMAND_MAX], line[ANSWER_MAX], function[ANSWER_MAX] = "";
	size_t used = (size_t)snprintf(command, sizeof(command), "addr2line -a -f -i -e %s",
				       SOURCE_LINES_SAMPLE);
	char *answer = NULL;
	size_t next = 0;
	FILE *output;

	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(command + used, sizeof(command) - used, " 0x%lx",
					 (unsigned long)(address + i));
	assert_true(used < sizeof(command));
	output = popen(command, "re");
	assert_non_null(output);
	while (fgets(line, sizeof(line), output)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0x", 2) == 0) {
			assert_true(next < count);
			answer = answers[next++];
			*answer = '\0';
		} else if (!*function) {
			strcpy(function, line);
		} else {
			assert_non_null(answer);
			snprintf(answer + strlen(answer), ANSWER_MAX - strlen(answer), "%s %s\n",
				 function, place_of(line));
			*function = '\0';
		}
	}
	assert_int_equal(pclose(output), 0);
	assert_int_equal(next, count);
}

/* Of every byte of outer(), whose code is mostly that of others. */
static void assert_as_addr2line(const struct source_lines *lines)
{
	static char expected[ADDRESSES_MAX][ANSWER_MAX];
	size_t inlined = 0, nested = 0;
	uint64_t address, size;

	find_outer(&address, &size);
	assert_in_range(size, 1, ADDRESSES_MAX);
	ask_addr2line(address, size, expected);
	for (size_t i = 0; i < size; i++) {
		char answer[ANSWER_MAX] = "";
		const struct source_location *found;

		describe(lines, address + i, answer);
		assert_string_equal(answer, expected[i]);
		inlined += source_lines_find(lines, address + i, &found) == 2;
		nested += source_lines_find(lines, address + i, &found) == 3;
	}
	assert_true(inlined > 0 && nested > 0);
}

static void test_the_files_own_lines(void **state)
{
	auto_free(source_lines) struct source_lines *lines =
		load(SOURCE_LINES_SAMPLE, &no_debug_files);

	(void)state;
	assert_as_addr2line(lines);
	assert_in_range(source_lines_memory(lines), 4096, 1 << 20);
}

static void test_addresses_outside(void **state)
{
	auto_free(source_lines) struct source_lines *lines =
		load(SOURCE_LINES_SAMPLE, &no_debug_files);
	const struct source_location *found;

	(void)state;
	assert_int_equal(source_lines_find(lines, 0, &found), 0);
	assert_int_equal(source_lines_find(lines, UINT64_MAX, &found), 0);
	/* What is remembered is bounded, and forgetting changes nothing. */
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(source_lines_find(lines, (1ULL << 40) + i, &found), 0);
	assert_as_addr2line(lines);
}

/* Runs a command with the sample as $1 and the scratch directory as $2. */
static void shell(const struct scratch *scratch, const char *command)
{
	char whole[1024];

	assert_in_range(snprintf(whole, sizeof(whole), "set -e; set -- '%s' '%s'; %s",
				 SOURCE_LINES_SAMPLE, scratch->directory, command),
			1, sizeof(whole) - 1);
	assert_int_equal(system(whole), 0);
}

static void test_a_separate_debug_file(void **state)
{
	auto_free(source_lines) struct source_lines *lines = NULL;
	struct source_lines_options options;
	struct scratch scratch;
	autoclose int fd = -1;

	(void)state;
	scratch_make(&scratch);
	options.debug_directory = scratch.directory;
	shell(&scratch, "id=$(readelf -n \"$1\" | sed -n 's/.*Build ID: //p');"
			"dir=$2/${id%\"${id#??}\"}; mkdir $dir;"
			"objcopy --only-keep-debug --compress-debug-sections \"$1\" "
			"\"$dir/${id#??}.debug\";"
			"objcopy --strip-debug \"$1\" \"$2/file\"");
	fd = open_file(scratch.file);
	assert_no_lines(fd, &no_debug_files, -ENODATA);
	lines = load(scratch.file, &options);
	assert_as_addr2line(lines);
	shell(&scratch, "rm -r \"$2\"/??");
	scratch_remove(&scratch);
}

/* Nothing is opened that the file names; what cannot be bounded is not read. */
static void test_forms_that_are_not_read(void **state)
{
	static const char *const options[] = {
		"--compress-debug-sections=zlib-gnu",
		"--add-section .gnu_debugaltlink=/etc/hostname",
		"--add-section .debug_sup=/etc/hostname",
	};
	struct scratch scratch;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		autoclose int fd = -1;
		char command[128];

		scratch_make(&scratch);
		snprintf(command, sizeof(command), "objcopy %s \"$1\" \"$2/file\"", options[i]);
		shell(&scratch, command);
		fd = open_file(scratch.file);
		assert_no_lines(fd, &no_debug_files, -ENOTSUP);
		scratch_remove(&scratch);
	}
}

static void test_a_file_that_is_too_large(void **state)
{
	autoclose int fd = memfd_create("large", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, SOURCE_LINES_SIZE_MAX + 1L), 0);
	assert_no_lines(fd, &no_debug_files, -EFBIG);
}

static void test_no_elf_file(void **state)
{
	autoclose int fd = memfd_create("text", MFD_CLOEXEC);

	(void)state;
	assert_no_lines(fd, &no_debug_files, -ENODATA);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_no_lines(fd, &no_debug_files, -ENOEXEC);
	assert_no_lines(-1, &no_debug_files, -EBADF);
}

/* Whatever a damaged file says, the sanitizers have nothing to say. */
static void test_damaged_files(void **state)
{
	char *sample = scratch_read(SOURCE_LINES_SAMPLE);
	uint64_t address, size, random = 1;
	struct stat status;

	(void)state;
	assert_int_equal(stat(SOURCE_LINES_SAMPLE, &status), 0);
	find_outer(&address, &size);
	for (size_t round = 0; round < 500; round++) {
		auto_free(source_lines) struct source_lines *lines = NULL;
		autoclose int fd = memfd_create("damaged", MFD_CLOEXEC);
		const struct source_location *found;

		assert_int_equal(write(fd, sample, (size_t)status.st_size), status.st_size);
		for (size_t i = 0; i < 20; i++) {
			random = random * 6364136223846793005U + 1442695040888963407U;
			assert_int_equal(pwrite(fd, &(char){(char)(random >> 56)}, 1,
						(off_t)(random >> 20) % status.st_size),
					 1);
		}
		if (source_lines_load(fd, &no_debug_files, &lines, NULL))
			continue;
		for (uint64_t i = 0; i < size; i++)
			assert_in_range(source_lines_find(lines, address + i, &found), 0,
					SOURCE_INLINED_MAX + 1);
	}
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_files_own_lines),
		cmocka_unit_test(test_addresses_outside),
		cmocka_unit_test(test_a_separate_debug_file),
		cmocka_unit_test(test_forms_that_are_not_read),
		cmocka_unit_test(test_a_file_that_is_too_large),
		cmocka_unit_test(test_no_elf_file),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
