// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_wait_reason.h"

#include <string.h>

#include "unit_test.h"

static struct go_wait_reasons reasons_of(uint32_t minor)
{
	struct go_version version = {.minor = minor};
	struct go_wait_reasons reasons;

	go_wait_reasons_of_version(&version, &reasons);
	return reasons;
}

static void assert_reason(uint32_t minor, size_t number, const char *text)
{
	struct go_wait_reasons reasons = reasons_of(minor);

	assert_true(number < reasons.count);
	assert_string_equal(reasons.texts[number], text);
}

static void numbers_are_those_of_the_version(void **state)
{
	(void)state;
	for (uint32_t minor = 15; minor <= 25; minor++) {
		assert_reason(minor, 0, "");
		assert_reason(minor, 9, "select");
		assert_reason(minor, 14, "chan receive");
		assert_reason(minor, 15, "chan send");
		assert_reason(minor, minor < 25 ? 18 : 19, "semacquire");
	}
	assert_reason(26, 18, "select");
	assert_reason(26, 19, "chan receive");
	assert_reason(26, 20, "chan send");
	assert_reason(26, 13, "semacquire");
	assert_reason(19, 21, "timer goroutine (idle)");
	assert_reason(20, 21, "sync.Mutex.Lock");
	assert_reason(22, 36, "coroutine");
	assert_reason(23, 37, "GC weak to strong wait");
	assert_reason(24, 24, "sync.WaitGroup.Wait");
	assert_reason(24, 41, "chan receive (synctest)");
	assert_reason(25, 18, "GOMAXPROCS updater (idle)");
	assert_reason(26, 46, "cleanup wait");
}

static void tables_have_their_lengths(void **state)
{
	static const size_t counts[] = {27, 27, 27, 27, 27, 32, 32, 37, 38, 44, 47, 47};

	(void)state;
	for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		assert_int_equal(reasons_of(15 + i).count, counts[i]);
}

static void unknown_versions_have_no_table(void **state)
{
	struct go_version development = {.minor = 22, .development = true};
	struct go_wait_reasons reasons;

	(void)state;
	assert_int_equal(reasons_of(0).count, 0);
	assert_int_equal(reasons_of(14).count, 0);
	assert_int_equal(reasons_of(27).count, 0);
	assert_int_equal(reasons_of(UINT32_MAX).count, 0);
	go_wait_reasons_of_version(&development, &reasons);
	assert_int_equal(reasons.count, 0);
}

static void texts_have_names(void **state)
{
	(void)state;
	assert_string_equal(go_wait_reason_name("chan send"), "chan_send");
	assert_string_equal(go_wait_reason_name("chan receive (nil chan)"),
			    "chan_receive_nil_chan");
	assert_string_equal(go_wait_reason_name("select (no cases)"), "select_no_cases");
	assert_string_equal(go_wait_reason_name("IO wait"), "io_wait");
	assert_string_equal(go_wait_reason_name("sync.Mutex.Lock"), "sync_mutex_lock");
	assert_string_equal(go_wait_reason_name("GC worker (idle)"), "gc_worker_idle");
	assert_string_equal(go_wait_reason_name("semacquire"), "semacquire");
	assert_string_equal(go_wait_reason_name("chan send (synctest)"), "chan_send_durable");
	assert_string_equal(go_wait_reason_name(""), "other");
	assert_string_equal(go_wait_reason_name("chan sen"), "other");
	assert_string_equal(go_wait_reason_name("unknown wait reason"), "other");
}

static size_t find_name(const char *name)
{
	const char *const *names;
	size_t count = go_wait_reason_names(&names), found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(names[i], name) == 0;
	return found;
}

/* The closed list has every name once, and no text of a known version is "other". */
static void the_list_is_closed(void **state)
{
	const char *const *names;
	size_t count = go_wait_reason_names(&names);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_"), strlen(names[i]));
		assert_int_equal(find_name(names[i]), 1);
	}
	for (uint32_t minor = 15; minor <= 26; minor++) {
		struct go_wait_reasons reasons = reasons_of(minor);

		for (size_t i = 0; i < reasons.count; i++) {
			const char *name = go_wait_reason_name(reasons.texts[i]);

			assert_int_equal(find_name(name), 1);
			assert_int_equal(strcmp(name, "other") == 0, i == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_version),
		cmocka_unit_test(tables_have_their_lengths),
		cmocka_unit_test(unknown_versions_have_no_table),
		cmocka_unit_test(texts_have_names),
		cmocka_unit_test(the_list_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
