// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Line tables against the Go runtime itself: tests/unit/go_oracle says what its runtime
 * knows about addresses of its own code, and the reader must say the same of the file.
 *
 *	test_go_line_oracle [FILE]...
 *
 * takes other builds of it, by other versions of Go, instead of this build's.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "process/elf_image.h"
#include "symbols/go_line_table.h"
#include "unit_test.h"

enum {
	FIELDS = 5,
	CALLS = GO_INLINE_DEPTH_MAX + 1,
	/* Differences that are printed. */
	SHOWN = 10,
};

struct oracle {
	const char *path;
	struct go_line_table *table;
	struct go_module module;
	uint64_t bias;
	size_t addresses;
	size_t calls;
	size_t inlined;
	size_t wrappers; /* that the runtime left out */
	size_t differences;
	double seconds;
};

/* What one address gave, and how far the oracle's calls have been compared. */
struct answer {
	uint64_t address;
	struct go_call calls[CALLS];
	size_t count;
	size_t next;
	bool differs;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t hex(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 16);

	assert_int_equal(*end, '\0');
	return value;
}

static size_t split(char *line, char *fields[FIELDS])
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *field; count < FIELDS && (field = strsep(&line, "\t"));)
		fields[count++] = field;
	assert_null(line);
	return count;
}

/* The vaddr at which the file's first byte is loaded. */
static uint64_t first_vaddr(const char *path)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	const struct elf_segment *segments;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t count;

	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_LOAD && segments[i].offset == 0)
			return segments[i].vaddr;
	fail_msg("%s has no segment for its start", path);
	return 0;
}

static void start(struct oracle *oracle, char *fields[FIELDS])
{
	uint64_t text;

	oracle->bias = hex(fields[1]) - first_vaddr(oracle->path);
	text = hex(fields[2]) - oracle->bias;
	if (go_line_table_text(oracle->table))
		assert_int_equal(go_line_table_text(oracle->table), text);
	if (hex(fields[3]))
		oracle->module.func_data = hex(fields[3]) - oracle->bias;
	print_message("%s: %s\n", oracle->path, fields[4]);
}

static void differ(struct oracle *oracle, struct answer *answer, const char *what)
{
	if (!answer->differs && ++oracle->differences <= SHOWN) {
		print_error("%" PRIx64 ": not as %s\n", answer->address, what);
		for (size_t i = 0; i < answer->count; i++)
			print_error("  %s %s:%" PRIu32 "%s%s\n", answer->calls[i].function,
				    answer->calls[i].file, answer->calls[i].line,
				    answer->calls[i].inlined ? " inlined" : "",
				    answer->calls[i].wrapper ? " wrapper" : "");
	}
	answer->differs = true;
}

/* The runtime leaves out wrappers that are inlined. */
static void skip_wrappers(struct oracle *oracle, struct answer *answer, const char *function)
{
	while (answer->next < answer->count && answer->calls[answer->next].wrapper &&
	       strcmp(answer->calls[answer->next].function, function) != 0) {
		answer->next++;
		oracle->wrappers++;
	}
}

static void finish(struct oracle *oracle, struct answer *answer)
{
	skip_wrappers(oracle, answer, "");
	if (answer->next < answer->count)
		differ(oracle, answer, "the runtime, which has fewer calls");
}

static void ask(struct oracle *oracle, struct answer *answer, uint64_t address)
{
	double begin = now();

	answer->address = address - oracle->bias;
	answer->next = 0;
	answer->differs = false;
	answer->count = go_line_table_find(oracle->table, &oracle->module, answer->address,
					   answer->calls, CALLS);
	oracle->seconds += now() - begin;
	oracle->addresses++;
}

static void compare(struct oracle *oracle, struct answer *answer, char *fields[FIELDS])
{
	bool unknown = strcmp(fields[2], "?") == 0;
	const struct go_call *call;
	char expected[1500];

	snprintf(expected, sizeof(expected), "%s %s:%s", fields[1], fields[2], fields[3]);
	skip_wrappers(oracle, answer, fields[1]);
	if (answer->next == answer->count) {
		differ(oracle, answer, expected);
		return;
	}
	call = &answer->calls[answer->next++];
	oracle->calls++;
	oracle->inlined += call->inlined;
	/* The runtime prints no name that stands first in the table. */
	if ((fields[1][0] && strcmp(call->function, fields[1]) != 0) ||
	    strcmp(call->file, unknown ? "" : fields[2]) != 0 ||
	    call->line != strtoul(fields[3], NULL, 10) ||
	    call->entry != hex(fields[4]) - oracle->bias ||
	    call->inlined != (answer->next < answer->count))
		differ(oracle, answer, expected);
}

static void run(struct oracle *oracle)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	FILE *output = popen(oracle->path, "re");
	autofree char *line = NULL;
	size_t capacity = 0;

	assert_non_null(answer);
	assert_non_null(output);
	while (getline(&line, &capacity, output) > 0) {
		char *fields[FIELDS];
		size_t count = split(line, fields);

		if (line[0] == 'M' && count == 5) {
			start(oracle, fields);
		} else if (line[0] == 'A' && count == 2) {
			finish(oracle, answer);
			ask(oracle, answer, hex(fields[1]));
		} else if (line[0] == 'F' && count == 5) {
			compare(oracle, answer, fields);
		} else {
			fail_msg("%s says something else: %s", oracle->path, line);
		}
	}
	finish(oracle, answer);
	assert_int_equal(pclose(output), 0);
	free(answer);
}

/* The runtime does not say whether the compiler made a function. */
static void assert_wrapper(const struct oracle *oracle, const char *name, bool wrapper)
{
	struct go_call calls[CALLS];
	uint64_t first, last;
	size_t count;

	assert_int_equal(
		go_line_table_find_function(oracle->table, &oracle->module, name, &first, &last),
		0);
	assert_true(first < last);
	count = go_line_table_find(oracle->table, &oracle->module, first, calls, CALLS);
	assert_true(count > 0);
	assert_string_equal(calls[count - 1].function, name);
	assert_int_equal(calls[count - 1].wrapper, wrapper);
}

static void check(struct oracle *oracle)
{
	run(oracle);
	assert_wrapper(oracle, "main.(*square).area", true);
	assert_wrapper(oracle, "main.square.area", false);
	assert_wrapper(oracle, "runtime.systemstack_switch", false);
	print_message("%zu addresses, %zu calls, %zu inlined, %zu wrappers left out, "
		      "%.1f us a lookup, %zu bytes\n",
		      oracle->addresses, oracle->calls, oracle->inlined, oracle->wrappers,
		      oracle->seconds * 1e6 / (double)oracle->addresses,
		      go_line_table_memory(oracle->table));
	assert_int_equal(oracle->differences, 0);
	/* Enough to mean something. */
	assert_true(oracle->addresses > 20000);
	assert_true(oracle->calls > 20000);
	assert_true(oracle->inlined > 1000);
}

static void check_file(const char *path)
{
	struct oracle oracle = {.path = path};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(go_line_table_load(fd, &oracle.table, NULL), 0);
	check(&oracle);
	go_line_table_free(oracle.table);
}

static void plain_build_agrees(void **state)
{
	(void)state;
	check_file(GO_ORACLE "-plain");
}

static void stripped_build_agrees(void **state)
{
	(void)state;
	check_file(GO_ORACLE "-stripped");
}

static void position_independent_build_agrees(void **state)
{
	(void)state;
	check_file(GO_ORACLE "-pie");
}

/* The caller's to free(). */
static unsigned char *read_file(const char *path, size_t *size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *bytes;
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	*size = (size_t)status.st_size;
	bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, *size, 0), status.st_size);
	return bytes;
}

static void build_without_sections_agrees(void **state)
{
	struct oracle oracle = {.path = GO_ORACLE "-stripped"};
	size_t size;
	autofree unsigned char *bytes = read_file(oracle.path, &size);
	Elf64_Ehdr header;

	(void)state;
	memcpy(&header, bytes, sizeof(header));
	header.e_shoff = 0;
	header.e_shnum = header.e_shstrndx = 0;
	memcpy(bytes, &header, sizeof(header));
	assert_int_equal(go_line_table_load_memory(bytes, size, &oracle.table, NULL), 0);
	check(&oracle);
	go_line_table_free(oracle.table);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_build_agrees),
		cmocka_unit_test(stripped_build_agrees),
		cmocka_unit_test(position_independent_build_agrees),
		cmocka_unit_test(build_without_sections_agrees),
	};

	for (int i = 1; i < argc; i++)
		check_file(argv[i]);
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
