// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tables of real files against elfutils: at random addresses both must say the
 * same of the CFA, bp and the return address, and call the same unsupported.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cfi_oracle.h"
#include "unwind/unwind_table.h"

enum {
	PROBES = 200000,
};

struct tally {
	size_t differences;
	size_t unsupported;
	size_t in_gaps; /* where libdw has no row and the table one, as a gap was closed */
};

static int open_file(const char *pattern)
{
	glob_t found;
	int fd = -1;

	if (glob(pattern, GLOB_BRACE, NULL, &found) == 0)
		fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	if (fd < 0)
		fail_msg("%s is missing: see scripts/lib/packages", pattern);
	return fd;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64 (Marsaglia 2003): the same addresses in each run. */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool same(const struct unwind_row *a, const struct unwind_row *b)
{
	return a->rules == b->rules && a->offset == b->offset && a->bp_slot == b->bp_slot;
}

/*
 * Where libdw has nothing: then the table has nothing either, or the address lies in a
 * gap of at most UNWIND_TABLE_GAP_MAX bytes, and the rule before the gap holds.
 */
static bool is_gap(const struct cfi_oracle *oracle, uint64_t vaddr, const struct unwind_row *row)
{
	struct unwind_row before, after;
	uint64_t last = vaddr, next = vaddr;

	do {
		if (vaddr - --last > UNWIND_TABLE_GAP_MAX)
			return false;
	} while (!cfi_oracle_row(oracle, last, &before));
	do {
		if (++next - last - 1 > UNWIND_TABLE_GAP_MAX)
			return false;
	} while (!cfi_oracle_row(oracle, next, &after));
	return same(row, &before);
}

static void probe(const struct unwind_table *table, const struct cfi_oracle *oracle, uint64_t vaddr,
		  struct tally *tally)
{
	static const struct unwind_row none = {0};
	const struct unwind_row *found = unwind_table_find(table, vaddr);
	const struct unwind_row *row = found ? found : &none;
	struct unwind_row expected = none;
	bool covered = cfi_oracle_row(oracle, vaddr, &expected);

	if ((row->rules & 15) == UNWIND_CFA_UNSUPPORTED)
		tally->unsupported++;
	if (same(row, &expected))
		return;
	if (!covered && is_gap(oracle, vaddr, row)) {
		tally->in_gaps++;
		return;
	}
	if (tally->differences++ < 5)
		print_message("  %#" PRIx64 ": rules %#x offset %d bp %d, libdw %s %#x %d %d\n",
			      vaddr, row->rules, row->offset, row->bp_slot, covered ? "" : "(none)",
			      expected.rules, expected.offset, expected.bp_slot);
}

static void compare(const char *pattern)
{
	auto_free(unwind_table) struct unwind_table *table = NULL;
	autoclose int fd = open_file(pattern);
	struct tally tally = {0};
	struct cfi_oracle oracle;
	uint64_t random = 88172645463325252U;
	double start = milliseconds(), built;
	size_t rows;

	assert_int_equal(unwind_table_load(fd, &table, NULL), 0);
	built = milliseconds() - start;
	cfi_oracle_open(&oracle, fd);
	for (size_t i = 0; i < PROBES; i++)
		probe(table, &oracle,
		      cfi_oracle_code(&oracle, next_random(&random) % oracle.code_size), &tally);
	cfi_oracle_close(&oracle);
	unwind_table_rows(table, &rows);
	print_message("%s: %zu rows, %zu bytes, %.1f ms, %.3f %% unsupported, %zu in closed gaps, "
		      "%zu differences\n",
		      pattern, rows, unwind_table_memory(table), built,
		      100.0 * (double)tally.unsupported / PROBES, tally.in_gaps, tally.differences);
	assert_true(rows > 1000);
	assert_int_equal(tally.differences, 0);
}

static void tables_say_what_libdw_says(void **state)
{
	static const char *const files[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/jvm/java-*-openjdk-amd64/lib/server/libjvm.so",
		/* Debian's node is a library, that of others a program. */
		"{/usr/lib/x86_64-linux-gnu/libnode.so.*,/usr/bin/node}",
		"/usr/bin/python3",
		"/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		compare(files[i]);
}

/* The section table of a copy is taken away: PT_GNU_EH_FRAME leads to the same rows. */
static void tables_are_the_same_without_sections(void **state)
{
	auto_free(unwind_table) struct unwind_table *table = NULL, *copied = NULL;
	autoclose int fd = open_file("/lib/x86_64-linux-gnu/libc.so.6");
	autofree unsigned char *copy = NULL;
	const struct unwind_row *rows, *copied_rows;
	size_t count, copied_count, size;
	Elf64_Ehdr header;

	(void)state;
	size = (size_t)lseek(fd, 0, SEEK_END);
	copy = malloc(size);
	assert_int_equal(pread(fd, copy, size, 0), size);
	memcpy(&header, copy, sizeof(header));
	header.e_shoff = 0;
	header.e_shnum = header.e_shstrndx = 0;
	memcpy(copy, &header, sizeof(header));
	assert_int_equal(unwind_table_load(fd, &table, NULL), 0);
	assert_int_equal(unwind_table_load_memory(copy, size, &copied, NULL), 0);
	rows = unwind_table_rows(table, &count);
	copied_rows = unwind_table_rows(copied, &copied_count);
	assert_int_equal(count, copied_count);
	assert_memory_equal(rows, copied_rows, count * sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_say_what_libdw_says),
		cmocka_unit_test(tables_are_the_same_without_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
