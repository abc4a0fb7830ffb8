// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/reasons.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "unit_test.h"

static void every_reason_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < REASON_COUNT; i++) {
		assert_non_null(reason_name(i));
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(reason_name(i), reason_name(j));
	}
	assert_string_equal(reason_name(REASON_COUNT), "other");
	assert_string_equal(reason_name(UINT32_MAX), "other");
}

static bool list_has(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i,
			   item) if (strcmp(json_string_value(item), name) == 0) return true;
	return false;
}

/* The schema's list is closed: it must be this one. */
static void the_schema_lists_the_same_reasons(void **state)
{
	json_t *schema = json_load_file(PARKSCOPE_SOURCE_DIR "/doc/schema.json", 0, NULL);
	const json_t *list;

	(void)state;
	assert_non_null(schema);
	list = json_object_get(schema, "$defs");
	list = json_object_get(json_object_get(list, "thread_reason"), "enum");
	assert_true(json_is_array(list));
	assert_int_equal(json_array_size(list), REASON_COUNT - 1);
	for (uint32_t i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (!list_has(list, reason_name(i)))
			fail_msg("doc/schema.json lacks %s", reason_name(i));
	json_decref(schema);
}

static void system_calls_mean_what_the_manual_says(void **state)
{
	const uint8_t *native = reasons_by_syscall(), *compat = reasons_by_compat_syscall();

	(void)state;
	assert_int_equal(native[SYS_futex], SYSCALL_FUTEX_OPERATION);
	assert_int_equal(native[SYS_epoll_wait], REASON_EPOLL);
	assert_int_equal(native[SYS_read], SYSCALL_READ_FD);
	assert_int_equal(native[SYS_write], SYSCALL_WRITE_FD);
	assert_int_equal(native[SYS_wait4], REASON_WAIT_CHILD);
	assert_int_equal(native[SYS_getpid], REASON_NONE);
	assert_int_equal(compat[240], SYSCALL_FUTEX_OPERATION);
	assert_int_equal(compat[0], SYSCALL_RESTART);
	/* 240 is mq_open for 64-bit programs: the tables must not be mixed up. */
	assert_int_equal(native[240], REASON_NONE);
}

static void restarted_calls_are_told_by_their_kernel_functions(void **state)
{
	(void)state;
	assert_int_equal(reason_of_kernel_function("do_nanosleep"), REASON_SLEEP);
	assert_int_equal(reason_of_kernel_function("__futex_wait"), REASON_FUTEX);
	assert_int_equal(reason_of_kernel_function("schedule"), REASON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_of_its_own),
		cmocka_unit_test(the_schema_lists_the_same_reasons),
		cmocka_unit_test(system_calls_mean_what_the_manual_says),
		cmocka_unit_test(restarted_calls_are_told_by_their_kernel_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
