// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

#include "output/jsonl.h"
#include "recording_fixture.h"

/* Reports as JSON Lines into a file of their own. */
struct lines {
	struct scratch scratch;
	struct sink *sink;
	struct jsonl *jsonl;
};

static struct lines *lines_new(void)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	const struct jsonl_config config = {
		.command = "watch",
		.version = "0.1.0",
		.hostname = "host-1",
		.run_id = "00112233aabbccdd",
		.full = true,
	};

	assert_non_null(lines);
	scratch_make(&lines->scratch);
	assert_int_equal(sink_open(lines->scratch.file, &lines->sink, NULL), 0);
	lines->jsonl = jsonl_new(&config, lines->sink);
	assert_non_null(lines->jsonl);
	return lines;
}

static void lines_free(struct lines *lines)
{
	jsonl_free(lines->jsonl);
	sink_free(lines->sink);
	scratch_remove(&lines->scratch);
	free(lines);
}

/* A sweep that has just filled the model: recorded, and written with `lines`. */
static void sweep_run(struct recorded_run *run, double seconds, struct lines *lines)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct report report = recorded_report(run, seconds);

	for (size_t i = 0; i < run->processes_count; i++)
		assert_int_equal(watched_process_end_sweep(run->processes[i], &rules), 0);
	assert_int_equal(recording_sweep(run->recording, &report, lines != NULL, NULL), 0);
	if (!lines)
		return;
	assert_int_equal(jsonl_report(lines->jsonl, &report, NULL), 0);
	end_recorded_report(run, &report);
}

static void begin_sweep(struct recorded_run *run, double seconds)
{
	for (size_t i = 0; i < run->processes_count; i++)
		watched_process_begin_sweep(run->processes[i],
					    OPENED_NS + (uint64_t)(seconds * 1e9));
}

static struct watched_process *add_process(struct recorded_run *run, uint32_t pid, double seconds)
{
	struct watched_process *process =
		watched_process_new(pid, pid * SECOND_NS, OPENED_NS + (uint64_t)(seconds * 1e9));

	assert_non_null(process);
	process->name = build_string("target");
	run->processes[run->processes_count++] = process;
	return process;
}

static void park_stays(struct site *site, uint64_t count, uint64_t age_ns, uint64_t arrived)
{
	const struct stay stay = {.age_ns = age_ns};

	for (uint64_t i = 0; i < count; i++)
		site_park(site, &stay, i < arrived);
}

static void replay_into(const char *path, struct lines *lines, const struct verdict_rules *rules)
{
	struct replay *replay;
	struct report report;
	int code;

	assert_int_equal(replay_open(path, &replay, NULL), 0);
	while ((code = replay_next(replay, rules, &report, NULL)) > 0) {
		assert_int_equal(jsonl_report(lines->jsonl, &report, NULL), 0);
		replay_end_report(replay);
	}
	assert_int_equal(code, 0);
	assert_string_equal(replay_end_reason(replay), "count");
	assert_int_equal(replay_end_wall_ns(replay), (BEGAN_UNIX_S + 1000) * 1000000000);
	replay_free(replay);
}

static void assert_replay_writes(const struct recorded_run *run, const struct lines *live)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct lines *lines = lines_new();
	char *expected = scratch_read(live->scratch.file);

	replay_into(run->scratch.file, lines, &rules);
	assert_file(lines->scratch.file, expected);
	free(expected);
	lines_free(lines);
}

/* Frames of every kind, names that are no UTF-8, and all that is printed of a stack. */
static struct stack *hostile_stack(void)
{
	struct stack *stack = build_stack("futex_wait@kernel", "a\"\\\n\x01z", "b\xff\xfe", "c",
					  "d", "e", "f", "[label]", NULL);

	set_line(&stack->frames[3], "/src/c.c", 12);
	stack->frames[3].build_id = build_string("00ff");
	set_line(&stack->frames[4], "d\xc3(.c", 7);
	stack->frames[4].kind = FRAME_INLINED;
	free(stack->frames[5].function);
	stack->frames[5].function = NULL;
	stack->frames[5].build_id = build_string("aa00");
	stack->frames[5].guess = true;
	free(stack->frames[6].function);
	free(stack->frames[6].module);
	stack->frames[6].function = stack->frames[6].module = NULL;
	stack->frames[6].address = 0xffffffffff600000;
	stack->frames[7].kind = FRAME_LABEL;
	return stack;
}

static void fill_process(struct watched_process *process)
{
	process->ns_pid = 3;
	process->exec_id = 2;
	process->start_unix_ns = 1780000000500000000;
	process->executable = build_string("/usr/bin/\xe2\x82target");
	process->container_id = build_string("abc");
	process->entity_id = build_string("00112233aabbccdd");
	process->go_version = build_string("go1.23.4");
	process->threads.now = 5;
	process->goroutines.now = 100;
	process->runtime_goroutines = 4;
}

static void fill_site(struct site *site)
{
	const struct wait_object object = {.kind = WAIT_OBJECT_CHANNEL,
					   .identity = 0xc000012345,
					   .alone = true,
					   .capacity = UINT64_MAX,
					   .length = 3};

	site->timed = site->runtime = site->creators_differ = true;
	site->near_io = NEAR_IO_NO;
	if (!site->creator)
		site->creator = build_stack("main.make", NULL);
	wait_objects_add(&site->objects, &object);
	name_threads(site, "worker-\xf0", 77, 1);
	name_threads(site, "other", 78, 3);
	site_add_waits(site, &(struct wait_sum){.count = 3,
						.duration_ns = 12345,
						.max_ns = 10000,
						.variance = 1e17 / 3});
}

static void fill_reason(struct watched_process *process, const char *reason, uint64_t more)
{
	struct reason_waits *waits = watched_process_reason(process, reason);

	waits->count += more;
	waits->restarts += more / 2;
	waits->duration_ns += more * 1001;
	waits->histogram[3] += more;
	waits->histogram[WAIT_HISTOGRAM_BUCKETS - 1]++;
	waits->open_ns = 10 * more;
	process->attribution.captured += more / 3;
	process->attribution.inferred += more - more / 3 - 1;
	process->attribution.skipped += 1;
	process->attribution.verified += more / 5;
	process->attribution.mismatched += more / 7;
	process->attribution.attributed_ns += more * 1003;
}

static void test_a_replay_writes_what_the_run_wrote(void **state)
{
	struct recorded_run *run = recorded_run_new();
	struct lines *live = lines_new();
	struct watched_process *process = add_process(run, 4711, 0.5), *short_lived;
	struct site *park, *birth;

	(void)state;
	begin_sweep(run, 1);
	fill_process(process);
	park = build_goroutine_site(process, SITE_PARK, "chan_send", hostile_stack());
	birth = build_site(process, SITE_BIRTH, "birth", build_stack("spawn", NULL));
	birth->births.live = 4;
	fill_site(park);
	park_stays(park, 3, 0, 0);
	losses_add(&run->losses, "thread_moved", 2);
	sweep_run(run, 1, NULL);

	/* It grows, and does something else; another one is found in the middle of the sweep. */
	begin_sweep(run, 6.25);
	fill_site(park);
	park_stays(park, 9, 5 * SECOND_NS, 6);
	birth->births = (struct birth_count){.live = 5, .born = 2, .exited = 1};
	process->threads.born = 2;
	process->threads.exited = 1;
	fill_reason(process, "futex", 7);
	fill_reason(process, "epoll", 1);
	short_lived = add_process(run, 12, 6.26);
	short_lived->threads.now = 1;
	process->forecast = calloc(1, sizeof(*process->forecast));
	assert_non_null(process->forecast);
	limit_forecast_add_rss(process->forecast, OPENED_NS + 6250000000, 1 << 20);
	limit_forecast_add(process->forecast, LIMIT_PIDS_MAX, OPENED_NS + 6250000000, 9, 100);
	sweep_run(run, 6.25, live);

	/* Nothing happens but time, an exec, and a loss. */
	begin_sweep(run, 11.25);
	fill_reason(process, "futex", 0);
	park_stays(park, 9, 10 * SECOND_NS, 0);
	free(process->name);
	process->name = build_string("renamed");
	process->exec_id = 9;
	free(process->go_version);
	process->go_version = NULL;
	losses_add(&run->losses, "thread_moved", 1);
	losses_add(&run->losses, "sites_full", 5);
	sweep_run(run, 11.25, live);

	/* All leave, one ends, and its pid is used again. */
	begin_sweep(run, 16.5);
	for (int i = 0; i < 9; i++)
		site_leave(park, &(struct stay){.age_ns = 10 * SECOND_NS});
	wait_objects_clear(&park->objects);
	short_lived->ended = true;
	short_lived->threads.now = 0;
	short_lived->threads.exited = 1;
	add_process(run, 12, 16.5)->exec_id = 1;
	sweep_run(run, 16.5, live);
	begin_sweep(run, 21.5);
	sweep_run(run, 21.5, live);
	end_recording_of_run(run);

	assert_replay_writes(run, live);
	assert_int_equal(recording_left_out(run->recording), 0);
	lines_free(live);
	recorded_run_free(run);
}

/* Two come with each sweep, and none leaves. */
static void record_leak(struct recorded_run *run, struct lines *live)
{
	struct watched_process *process = add_process(run, 4711, 1);
	struct site *site = build_goroutine_site(process, SITE_PARK, "chan_send",
						 build_stack("main.send", NULL));
	const struct wait_object alone = {
		.kind = WAIT_OBJECT_CHANNEL, .identity = 1, .alone = true};

	wait_objects_add(&site->objects, &alone);
	for (uint64_t sweep = 0; sweep < 30; sweep++) {
		begin_sweep(run, 1 + (double)sweep * 5);
		for (uint64_t i = 0; i < sweep; i++)
			park_stays(site, 2, (sweep - i) * 5 * SECOND_NS - SECOND_NS,
				   i + 1 == sweep ? 2 : 0);
		sweep_run(run, 1 + (double)sweep * 5, sweep ? live : NULL);
	}
	end_recording_of_run(run);
}

static size_t count_of(const struct lines *lines, const char *text)
{
	char *all = scratch_read(lines->scratch.file);
	size_t count = 0;

	for (const char *next = all; (next = strstr(next, text)); next++)
		count++;
	free(all);
	return count;
}

static void test_a_replay_has_thresholds_of_its_own(void **state)
{
	struct recorded_run *run = recorded_run_new();
	struct lines *live = lines_new(), *strict = lines_new();
	struct verdict_rules rules = verdict_rules_default();

	(void)state;
	record_leak(run, live);
	assert_replay_writes(run, live);
	assert_true(count_of(live, "\"verdict\":\"leaking\",\"was\"") == 1);
	rules.ladder.entrants_min = rules.ladder.entrants_min_aged = 1000;
	replay_into(run->scratch.file, strict, &rules);
	assert_int_equal(count_of(strict, "\"verdict\":\"leaking\""), 0);
	assert_true(count_of(strict, "\"verdict\":\"growing\",\"was\"") == 1);
	lines_free(live);
	lines_free(strict);
	recorded_run_free(run);
}

static void test_a_compressed_one_is_the_same(void **state)
{
	struct recorded_run *run = recorded_run_new();
	struct lines *live = lines_new();
	gzFile packed;
	char *text;

	(void)state;
	record_leak(run, live);
	text = scratch_read(run->scratch.file);
	packed = gzopen(run->scratch.file, "w");
	assert_non_null(packed);
	assert_int_equal(gzwrite(packed, text, (unsigned int)strlen(text)), strlen(text));
	assert_int_equal(gzclose(packed), Z_OK);
	assert_replay_writes(run, live);
	free(text);
	lines_free(live);
	recorded_run_free(run);
}

static void test_what_it_is_and_who_made_it(void **state)
{
	struct recorded_run *run = recorded_run_new();
	const struct recording_start expected = recording_start_of_run(), *start;
	struct replay *replay;

	(void)state;
	end_recording_of_run(run);
	assert_int_equal(replay_open(run->scratch.file, &replay, NULL), 0);
	start = replay_start(replay);
	assert_int_equal(start->wall_ns, expected.wall_ns);
	assert_int_equal(start->opened_ns, expected.opened_ns);
	assert_string_equal(start->run_id, expected.run_id);
	assert_string_equal(start->hostname, expected.hostname);
	assert_int_equal(start->top, 10);
	assert_int_equal(start->units, SHOWN_ALL);
	assert_false(start->full);
	assert_int_equal(start->leak_min, 0);
	assert_int_equal(start->features_count, 2);
	assert_string_equal(start->features[1].name, "map_files");
	assert_true(start->features[0].available);
	assert_false(start->features[1].available);
	replay_free(replay);
	recorded_run_free(run);
}

static void test_options_are_kept(void **state)
{
	struct recording_start options = recording_start_of_run();
	struct recording *recording;
	struct scratch scratch;
	struct replay *replay;

	(void)state;
	scratch_make(&scratch);
	options.full = options.runtime_frames = true;
	options.units = SHOWN_GOROUTINES;
	options.leak_after_ns = 60 * SECOND_NS;
	options.leak_min = 20;
	assert_int_equal(recording_open(scratch.file, &recording, NULL), 0);
	assert_int_equal(recording_start(recording, &options, "0.1.0", NULL), 0);
	recording_free(recording);
	assert_int_equal(replay_open(scratch.file, &replay, NULL), 0);
	assert_true(replay_start(replay)->full);
	assert_true(replay_start(replay)->runtime_frames);
	assert_int_equal(replay_start(replay)->units, SHOWN_GOROUTINES);
	assert_int_equal(replay_start(replay)->leak_after_ns, 60 * SECOND_NS);
	assert_int_equal(replay_start(replay)->leak_min, 20);
	replay_free(replay);
	scratch_remove(&scratch);
}

static void test_the_file_is_new_and_private(void **state)
{
	struct scratch scratch;
	struct recording *recording = NULL, *second = NULL;
	const struct recording_start start = recording_start_of_run();
	struct error error = {0};
	struct stat status;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(recording_open(scratch.file, &recording, NULL), 0);
	assert_int_equal(stat(scratch.file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(recording_open(scratch.file, &second, &error), -EEXIST);
	assert_non_null(strstr(error.text, "exists already"));
	assert_null(second);

	/* One that was never begun leaves nothing. */
	recording_free(recording);
	assert_int_equal(stat(scratch.file, &status), -1);

	/* One that was begun says that it failed. */
	assert_int_equal(recording_open(scratch.file, &recording, NULL), 0);
	assert_int_equal(recording_start(recording, &start, "0.1.0", NULL), 0);
	recording_free(recording);
	assert_int_equal(stat(scratch.file, &status), 0);
	scratch_remove(&scratch);

	assert_int_equal(recording_open("/nowhere/file", &recording, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nowhere/file"));
}

static void test_a_full_disk_is_said(void **state)
{
	struct recorded_run *run = recorded_run_new();
	const struct report report = recorded_report(run, 1);
	struct rlimit limit, none;
	struct error error = {0};

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(recording_sweep(run->recording, &report, true, &error), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_non_null(strstr(error.text, run->scratch.file));
	recorded_run_free(run);
}

static void test_a_stack_that_does_not_fit_is_left_out(void **state)
{
	struct recorded_run *run = recorded_run_new();
	struct lines *live = lines_new(), *lines = lines_new();
	const struct verdict_rules rules = verdict_rules_default();
	struct watched_process *process = add_process(run, 1, 1);
	struct stack *stack = build_stack("x", NULL);
	char *name = malloc(RECORDING_LINE_MAX + 1);

	(void)state;
	assert_non_null(name);
	memset(name, 'x', RECORDING_LINE_MAX);
	name[RECORDING_LINE_MAX] = '\0';
	free(stack->frames[0].function);
	stack->frames[0].function = name;
	begin_sweep(run, 1);
	build_site(process, SITE_PARK, "futex", stack);
	park_stays(build_site(process, SITE_PARK, "futex", build_stack("y", NULL)), 2, 5, 0);
	sweep_run(run, 1, live);
	begin_sweep(run, 2);
	sweep_run(run, 2, live);
	end_recording_of_run(run);
	assert_int_equal(recording_left_out(run->recording), 1);
	replay_into(run->scratch.file, lines, &rules);
	assert_int_equal(count_of(lines, "\"y+0x10 (target)\""),
			 count_of(live, "\"y+0x10 (target)\""));
	lines_free(live);
	lines_free(lines);
	recorded_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_replay_writes_what_the_run_wrote),
		cmocka_unit_test(test_a_replay_has_thresholds_of_its_own),
		cmocka_unit_test(test_a_compressed_one_is_the_same),
		cmocka_unit_test(test_what_it_is_and_who_made_it),
		cmocka_unit_test(test_options_are_kept),
		cmocka_unit_test(test_the_file_is_new_and_private),
		cmocka_unit_test(test_a_full_disk_is_said),
		cmocka_unit_test(test_a_stack_that_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
