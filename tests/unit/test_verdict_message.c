// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "model/verdict_message.h"

#define SECOND_NS 1000000000ULL

static const char *message(const struct verdict_state *state)
{
	static char text[160];

	memset(text, 'x', sizeof(text));
	verdict_message(state, text, sizeof(text));
	return text;
}

static void test_leaking(void **state)
{
	struct verdict_state leak = {
		.verdict = VERDICT_LEAKING,
		.evidence = {.now = 1402,
			     .oldest_ns = 702 * SECOND_NS,
			     .age_ns = 10 * SECOND_NS,
			     .entrants = 1390},
	};

	(void)state;
	assert_string_equal(message(&leak), "1402 parked, oldest 11m42s, none left");
	leak.evidence.departed = 5000;
	assert_string_equal(message(&leak), "1402 parked, oldest 11m42s, none of 1390 left once "
					    "parked for 10 s");
	leak.evidence.ended = 12;
	leak.evidence.age_ns = 300 * SECOND_NS;
	leak.evidence.oldest_bound = AGE_AT_LEAST;
	assert_string_equal(message(&leak), "1402 parked, oldest at least 11m42s, 12 of 1390 left "
					    "once parked for 5 min");
}

static void test_durations_and_bounds(void **state)
{
	struct verdict_state leak = {.verdict = VERDICT_LEAKING, .evidence = {.now = 9}};

	(void)state;
	leak.evidence.oldest_ns = 59 * SECOND_NS;
	assert_string_equal(message(&leak), "9 parked, oldest 59s, none left");
	leak.evidence.oldest_ns = (3 * 3600 + 5 * 60 + 59) * SECOND_NS;
	leak.evidence.oldest_bound = AGE_AT_MOST;
	assert_string_equal(message(&leak), "9 parked, oldest at most 3h05m, none left");
	leak.evidence.oldest_ns = (4 * 86400 + 7 * 3600) * SECOND_NS;
	assert_string_equal(message(&leak), "9 parked, oldest at most 4d07h, none left");
}

static void test_growing(void **state)
{
	struct verdict_state growth = {
		.verdict = VERDICT_GROWING,
		.class = VERDICT_CLASS_UNTIMED,
		.evidence = {.now = 41, .rate_per_minute = 12.34, .until_ns = 750 * SECOND_NS},
	};

	(void)state;
	assert_string_equal(message(&growth), "none of 41 has left; a leak can be told from a "
					      "filling pool after 13 min");
	growth.evidence.until_ns = 780 * SECOND_NS;
	assert_string_equal(message(&growth), "none of 41 has left; a leak can be told from a "
					      "filling pool after 13 min");
	growth.evidence.until_ns = 0;
	assert_string_equal(message(&growth), "none of 41 has left; a leak is not shown");
	growth.evidence.departed = 1;
	assert_string_equal(message(&growth), "41 parked, 12 more a minute; a leak is not shown");
	growth.class = VERDICT_CLASS_NEVER;
	growth.evidence.rate_per_minute = 2.34;
	assert_string_equal(message(&growth),
			    "41 parked, 2.3 more a minute; such a wait may end at any time");
}

static void test_stopped_and_steady(void **state)
{
	struct verdict_state stopped = {.stopped = true, .evidence = {.now = 310}};
	struct verdict_state steady = {0};

	(void)state;
	assert_string_equal(message(&stopped), "stopped, 310 remain");
	assert_string_equal(message(&steady), "");
}

static void test_fits_its_room_whatever_the_numbers(void **state)
{
	struct verdict_state leak = {
		.verdict = VERDICT_LEAKING,
		.evidence = {.now = UINT64_MAX,
			     .oldest_ns = UINT64_MAX,
			     .oldest_bound = AGE_AT_LEAST,
			     .age_ns = 3600 * SECOND_NS,
			     .departed = 1,
			     .entrants = UINT64_MAX,
			     .ended = UINT64_MAX},
	};
	char text[8];

	(void)state;
	assert_true(strlen(message(&leak)) < 150);
	verdict_message(&leak, text, sizeof(text));
	assert_string_equal(text, "1844674");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaking),
		cmocka_unit_test(test_durations_and_bounds),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_stopped_and_steady),
		cmocka_unit_test(test_fits_its_room_whatever_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
