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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_its_own_memory),
		cmocka_unit_test(a_read_ends_at_the_first_unreadable_page),
		cmocka_unit_test(a_process_that_is_gone),
		cmocka_unit_test(kernel_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
