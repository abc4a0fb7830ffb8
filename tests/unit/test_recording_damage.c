// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings that are damaged, cut, or made to do harm. */
#include "unit_test.h"

#include <errno.h>
#include <string.h>

#include "input/recording.h"

#define START_OF(format, more)                                                                   \
	"{\"event\":{\"dataset\":\"parkscope.sample\"},\"host\":{\"name\":\"h\"},\"parkscope\":" \
	"{\"recording\":" format ",\"run_id\":\"00112233aabbccdd\",\"wall_ns\":1790000000000000" \
	"000,\"opened_ns\":1000" more "}}\n"
#define START   START_OF("1", "")
#define SWEEP   "{\"sweep\":[5000,1790000000000000000]}\n"
#define PROCESS "{\"process\":0,\"id\":{\"pid\":7}}\n"
#define SITE_ID \
	"\"id\":{\"kind\":\"park_site\",\"unit\":\"thread\",\"reason\":\"futex\",\"stack\":[]}"
#define SITE       "{\"site\":0," SITE_ID "}\n"
#define SWEPT      "{\"swept\":{\"report\":true}}\n"
#define END        "{\"end\":{\"reason\":\"count\",\"wall_ns\":1}}\n"
#define UP_TO_SITE START SWEEP PROCESS SITE

/* The result of the first call that does not go on; counts reports. */
static int replay_text(const char *text, size_t *reports, struct error *error)
{
	const struct verdict_rules rules = verdict_rules_default();
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct replay *replay = NULL;
	struct report report;
	int code;

	*reports = 0;
	assert_non_null(file);
	code = replay_new(file, &replay, error);
	if (code)
		assert_null(replay);
	while (replay && (code = replay_next(replay, &rules, &report, error)) > 0) {
		++*reports;
		replay_end_report(replay);
	}
	replay_free(replay);
	fclose(file);
	return code;
}

static void assert_refused(const char *text, const char *message)
{
	struct error error = {0};
	size_t reports;

	assert_int_equal(replay_text(text, &reports, &error), -EBADMSG);
	assert_string_equal(error.text, message);
}

static void test_a_small_one_is_read(void **state)
{
	struct error error = {0};
	size_t reports;

	(void)state;
	assert_int_equal(replay_text(UP_TO_SITE SWEPT END, &reports, &error), 0);
	assert_int_equal(reports, 1);
	assert_int_equal(replay_text(START END, &reports, &error), 0);
	assert_int_equal(reports, 0);
}

static void test_what_is_no_recording(void **state)
{
	(void)state;
	assert_refused("\n", "line 1 is no JSON object");
	assert_refused("{}\n", "it is no recording: make one by 'parkscope watch --record FILE'");
	assert_refused("{\"event\":{\"dataset\":\"parkscope.start\"}}\n",
		       "it is no recording: make one by 'parkscope watch --record FILE'");
	assert_refused(START_OF("2", "") END,
		       "it has format 2, but this parkscope reads format 1: use the one that made "
		       "it, or a newer one");
	assert_refused(START_OF("1", ",\"options\":{\"unit\":\"fish\"}"), "'unit' is damaged");
	assert_refused(START_OF("1", ",\"options\":{\"top\":-1}"), "'top' is damaged");
	assert_refused(START_OF("1", ",\"options\":{\"full\":1}"), "'full' is damaged");
	assert_refused(START_OF("1", ",\"features\":{\"a\":1}"), "'features' is damaged");
}

static void test_one_that_is_cut_has_reports_until_there(void **state)
{
	struct error error = {0};
	size_t reports;

	(void)state;
	assert_int_equal(replay_text(UP_TO_SITE SWEPT, &reports, &error), -EBADMSG);
	assert_int_equal(reports, 1);
	assert_string_equal(error.text, "it is cut after line 5: parkscope was killed, or some of "
					"it is missing");
	assert_int_equal(replay_text(UP_TO_SITE SWEPT "{\"swe", &reports, &error), -EBADMSG);
	assert_int_equal(reports, 1);
	assert_string_equal(error.text, "line 6 is cut");
}

static void test_lines_have_their_places(void **state)
{
	(void)state;
	assert_refused(START "{\"fish\":1}\n", "line 2: it is no line of a recording");
	assert_refused(START PROCESS, "line 2: 'process' is damaged");
	assert_refused(START SWEEP SITE, "line 3: 'site' is damaged");
	assert_refused(START SWEPT, "line 2: 'swept' is damaged");
	assert_refused(START SWEEP SWEEP, "line 3: 'sweep' is damaged");
	assert_refused(START SWEEP SWEPT SWEEP, "line 4: 'sweep' is damaged");
	assert_refused(START SWEEP END, "line 3: 'end' is damaged");
	assert_refused(START END END, "line 3: it follows the end");
	assert_refused(START "{\"end\":{\"reason\":\"a b\"}}\n", "line 2: 'end' is damaged");
	assert_refused(START SWEEP PROCESS SWEPT "{\"sweep\":[6000,1]}\n" SITE,
		       "line 6: 'site' is damaged");
}

static void test_numbers_have_their_bounds(void **state)
{
	(void)state;
	assert_refused(START "{\"sweep\":[-1,1]}\n", "line 2: 'sweep' is damaged");
	assert_refused(START "{\"sweep\":[1000,1]}\n", "line 2: 'sweep' is damaged");
	assert_refused(START "{\"sweep\":[5000]}\n", "line 2: 'sweep' is damaged");
	assert_refused(START "{\"sweep\":[5000,9000000000000000000]}\n",
		       "line 2: 'sweep' is damaged");
	assert_refused(START SWEEP "{\"process\":0}\n", "line 3: 'id' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{\"pid\":99999999}}\n",
		       "line 3: 'pid' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"swept_ns\":4999}\n",
		       "line 3: 'swept_ns' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"threads\":[5000000000,0,0]}\n",
		       "line 3: 'threads' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"goroutines\":[1,0,0]}\n",
		       "line 3: 'goroutines' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"waits\":[[0,1,1,1,1]]}\n",
		       "line 3: 'waits' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"reasons\":[\"futex\"],\"waits\":"
				   "[[0,1,1,1,1,28,1]]}\n",
		       "line 3: 'waits' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"reasons\":[\"Futex\"]}\n",
		       "line 3: 'reasons' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"limits\":[1,6,1,1]}\n",
		       "line 3: 'limits' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{},\"sampling\":[1,2,3,4,5]}\n",
		       "line 3: 'sampling' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{\"name\":[\"0g\"]}}\n",
		       "line 3: 'name' is damaged");
	assert_refused(START SWEEP "{\"process\":0,\"id\":{\"name\":[\"00\"]}}\n",
		       "line 3: 'name' is damaged");
}

static void test_sites_have_their_bounds(void **state)
{
	(void)state;
	assert_refused(START SWEEP PROCESS "{\"site\":1," SITE_ID "}\n",
		       "line 4: 'site' is damaged");
	assert_refused(START SWEEP PROCESS "{\"site\":0}\n", "line 4: 'id' is damaged");
	assert_refused(START SWEEP PROCESS SITE "{\"site\":1," SITE_ID "}\n",
		       "line 5: the same site stands there twice");
	assert_refused(START SWEEP PROCESS "{\"site\":0,\"id\":{\"kind\":\"park_site\",\"unit\":"
					   "\"thread\",\"reason\":\"futex\",\"stack\":[[3,0,null,"
					   "null,0]]}}\n",
		       "line 4: 'stack' is damaged");
	assert_refused(START SWEEP PROCESS "{\"site\":0,\"id\":{\"kind\":\"park_site\",\"unit\":"
					   "\"thread\",\"reason\":\"futex\"}}\n",
		       "line 4: 'stack' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"now\":4294967296}\n", "line 5: 'now' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"older\":-1}\n", "line 5: 'older' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"bound\":3}\n", "line 5: 'bound' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"in\":\"1\"}\n", "line 5: 'in' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"here\":[1,1,1,1,1,1,1]}\n",
		       "line 5: 'here' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"early\":[1,1,1]}\n", "line 5: 'early' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"left\":[-1]}\n", "line 5: 'left' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"births\":[-1,0,0]}\n",
		       "line 5: 'births' is damaged");
	/* Not a number, and less than 0. */
	assert_refused(UP_TO_SITE "{\"site\":0,\"variance\":-1}\n",
		       "line 5: 'variance' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"variance\":-4616189618054758400}\n",
		       "line 5: 'variance' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"variance\":1.5}\n",
		       "line 5: 'variance' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"flags\":24}\n", "line 5: 'flags' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"objects\":[5,0,0,0,0,0,0,0,0,0]}\n",
		       "line 5: 'objects' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"objects\":[1,0,33,0,0,0,0,0,0,0]}\n",
		       "line 5: 'objects' is damaged");
	assert_refused(UP_TO_SITE "{\"site\":0,\"names\":[0,\"0123456789abcdef\",1,1]}\n",
		       "line 5: 'names' is damaged");
	assert_refused(UP_TO_SITE "{\"swept\":{\"losses\":[\"a\",-1]}}\n",
		       "line 5: 'losses' is damaged");
}

static void test_words_do_not_fill_the_memory(void **state)
{
	char text[32 * 1024];
	size_t used =
		(size_t)snprintf(text, sizeof(text), "%s%s{\"swept\":{\"losses\":[", START, SWEEP);

	(void)state;
	for (int i = 0; i < 300; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"cause_%d\",1",
					 i ? "," : "", i);
	snprintf(text + used, sizeof(text) - used, "]}}\n%s", END);
	assert_refused(text, "line 3: 'losses' is damaged");
}

static void test_files_that_cannot_be_read(void **state)
{
	struct error error = {0};
	struct replay *replay = NULL;

	(void)state;
	assert_int_equal(replay_open("/nowhere/file", &replay, &error), -ENOENT);
	assert_string_equal(error.text, "/nowhere/file: No such file or directory");
	assert_int_equal(replay_open("/", &replay, &error), -EISDIR);
	assert_string_equal(error.text, "/: Is a directory");
	assert_int_equal(replay_open("/dev/null", &replay, &error), -EBADMSG);
	assert_string_equal(error.text, "/dev/null: it is empty");
	assert_null(replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_small_one_is_read),
		cmocka_unit_test(test_what_is_no_recording),
		cmocka_unit_test(test_one_that_is_cut_has_reports_until_there),
		cmocka_unit_test(test_lines_have_their_places),
		cmocka_unit_test(test_numbers_have_their_bounds),
		cmocka_unit_test(test_sites_have_their_bounds),
		cmocka_unit_test(test_words_do_not_fill_the_memory),
		cmocka_unit_test(test_files_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
