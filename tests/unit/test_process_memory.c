// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_test.h"

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void reads_its_own_memory(void **state)
{
	static const char text[] = "remote";
	char buffer[sizeof(text)] = "";

	(void)state;
	assert_int_equal(process_memory_read(getpid(), address_of(text), buffer, sizeof(text)),
			 sizeof(text));
	assert_string_equal(buffer, "remote");
	assert_int_equal(process_memory_read(getpid(), address_of(text), buffer, 0), 0);
}

static void a_read_ends_at_the_first_unreadable_page(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffer[100];

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 'p', page);
	assert_int_equal(munmap(pages + page, page), 0);
	assert_int_equal(process_memory_read(getpid(), address_of(pages + page - 10), buffer, 100),
			 10);
	assert_int_equal(buffer[9], 'p');
	assert_int_equal(process_memory_read(getpid(), address_of(pages + page), buffer, 100),
			 -EFAULT);
	munmap(pages, page);
}

static void a_process_that_is_gone(void **state)
{
	char buffer[8];
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(process_memory_read(child, address_of(buffer), buffer, 8), -ESRCH);
}

static void kernel_addresses_are_refused(void **state)
{
	char buffer[8];

	(void)state;
	assert_int_equal(process_memory_read(getpid(), 0xffffffff81000000ULL, buffer, 8), -EFAULT);
	assert_int_equal(process_memory_read(getpid(), UINT64_MAX - 3, buffer, 8), -EFAULT);
}

static void pieces_are_read_at_once(void **state)
{
	static const char text[] = "abcdefgh";
	char first[4] = "", second[4] = "", third[4] = "";
	const struct memory_piece pieces[] = {
		{.address = address_of(text + 5), .buffer = first, .size = 3},
		{.address = address_of(text), .buffer = second, .size = 0},
		{.address = address_of(text + 1), .buffer = third, .size = 2},
	};

	(void)state;
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, 3), 3);
	assert_string_equal(first, "fgh");
	assert_string_equal(second, "");
	assert_string_equal(third, "bc");
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, 0), 0);
}

static void pieces_end_before_the_first_unreadable_one(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffers[3][16] = {"", "", ""};
	struct memory_piece pieces[] = {
		{.address = address_of(pages), .buffer = buffers[0], .size = 16},
		/* Half of it is there. */
		{.address = address_of(pages + page - 8), .buffer = buffers[1], .size = 16},
		{.address = address_of(pages + 16), .buffer = buffers[2], .size = 16},
	};

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 'p', page);
	assert_int_equal(munmap(pages + page, page), 0);
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, 3), 1);
	assert_int_equal(buffers[0][15], 'p');
	assert_int_equal(buffers[2][0], '\0');
	assert_int_equal(process_memory_read_pieces(getpid(), pieces + 1, 2), 0);
	assert_int_equal(process_memory_read_pieces(getpid(), pieces + 2, 1), 1);
	/* One that is not there at all, and no user's address. */
	pieces[1].address = address_of(pages + page);
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, 3), 1);
	pieces[0].address = 0xffffffff81000000ULL;
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, 3), 0);
	munmap(pages, page);
}

static void as_many_pieces_as_the_kernel_takes(void **state)
{
	static struct memory_piece pieces[PROCESS_MEMORY_PIECES_MAX + 1];
	static char bytes[PROCESS_MEMORY_PIECES_MAX + 1], copies[PROCESS_MEMORY_PIECES_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= PROCESS_MEMORY_PIECES_MAX; i++) {
		bytes[i] = (char)(i % 127);
		pieces[i] = (struct memory_piece){
			.address = address_of(&bytes[i]), .buffer = &copies[i], .size = 1};
	}
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, PROCESS_MEMORY_PIECES_MAX),
			 PROCESS_MEMORY_PIECES_MAX);
	assert_memory_equal(copies, bytes, PROCESS_MEMORY_PIECES_MAX);
	assert_int_equal(
		process_memory_read_pieces(getpid(), pieces, PROCESS_MEMORY_PIECES_MAX + 1),
		-EINVAL);
}

static void pieces_of_a_process_that_is_gone(void **state)
{
	char buffer[8];
	const struct memory_piece piece = {
		.address = address_of(buffer), .buffer = buffer, .size = sizeof(buffer)};
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(process_memory_read_pieces(child, &piece, 1), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_its_own_memory),
		cmocka_unit_test(a_read_ends_at_the_first_unreadable_page),
		cmocka_unit_test(a_process_that_is_gone),
		cmocka_unit_test(kernel_addresses_are_refused),
		cmocka_unit_test(pieces_are_read_at_once),
		cmocka_unit_test(pieces_end_before_the_first_unreadable_one),
		cmocka_unit_test(as_many_pieces_as_the_kernel_takes),
		cmocka_unit_test(pieces_of_a_process_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
