// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dump_builder.h"

#define MINUTE_NS 60000000000LL

struct fixture {
	struct dump *old, *new;
	struct diff_rules rules;
	struct dump_diff *diff;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->old = build_dump(1000 * MINUTE_NS);
	fixture->new = build_dump(1010 * MINUTE_NS);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dump_diff_free(fixture->diff);
	dump_free(fixture->old);
	dump_free(fixture->new);
	free(fixture);
	return 0;
}

static void compare(struct fixture *fixture)
{
	dump_diff_free(fixture->diff);
	fixture->diff = dump_diff_new(fixture->old, fixture->new, &fixture->rules);
	assert_non_null(fixture->diff);
}

static void assert_site(const struct site_diff *site, enum diff_change change, uint64_t id,
			uint64_t old_now, uint64_t new_now)
{
	assert_int_equal(site->change, change);
	assert_int_equal((site->new ? site->new : site->old)->id, id);
	assert_int_equal(site->old_now, old_now);
	assert_int_equal(site->new_now, new_now);
}

static void assert_stays(const struct diff_stays *stays, uint64_t stayed, uint64_t left,
			 uint64_t came)
{
	assert_true(stays->known);
	assert_int_equal(stays->stayed, stayed);
	assert_int_equal(stays->left, left);
	assert_int_equal(stays->came, came);
}

static void test_what_can_happen_to_a_site(void **state)
{
	static const uint64_t sizes[5][2] = {{3, 3}, {0, 9}, {8, 0}, {2, 9}, {9, 3}};
	struct fixture *fixture = *state;
	const struct process_diff *process;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 8, "api", "b");
	for (uint64_t id = 0; id < 5; id++) {
		if (sizes[id][0])
			dump_site(fixture->old, 0, id, "work", sizes[id][0]);
		if (sizes[id][1])
			dump_site(fixture->new, 0, id, "work", sizes[id][1]);
	}
	compare(fixture);
	assert_true(fixture->diff->differs);
	assert_int_equal(fixture->diff->elapsed_ns, 10 * MINUTE_NS);
	assert_int_equal(fixture->diff->processes_count, 1);
	process = fixture->diff->processes;
	assert_int_equal(process->change, DIFF_SAME);
	assert_true(process->differs);
	assert_false(process->same);
	assert_int_equal(process->old->pid, 7);
	assert_int_equal(process->new->pid, 8);
	/* The largest change first. */
	assert_int_equal(process->sites_count, 5);
	assert_site(&process->sites[0], DIFF_NEW, 1, 0, 9);
	assert_site(&process->sites[1], DIFF_GONE, 2, 8, 0);
	assert_site(&process->sites[2], DIFF_GREW, 3, 2, 9);
	assert_site(&process->sites[3], DIFF_SHRANK, 4, 9, 3);
	assert_site(&process->sites[4], DIFF_SAME, 0, 3, 3);
	for (int change = DIFF_SAME; change < DIFF_CHANGES; change++)
		assert_int_equal(process->units[UNIT_THREAD].changes[change], 1);
	assert_int_equal(process->units[UNIT_THREAD].old_parked, 22);
	assert_int_equal(process->units[UNIT_THREAD].new_parked, 24);
	assert_false(process->sites[0].stays.known);
	assert_string_equal(diff_change_name(process->sites[3].change), "shrank");
}

static void test_stays_of_the_same_process(void **state)
{
	struct fixture *fixture = *state;
	const struct process_diff *process;
	double rate = 0;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 100), 0);
	dump_stays(dump_site(fixture->new, 0, 1, "work", 150), 20);
	dump_stays(dump_site(fixture->old, 0, 2, "idle", 5), 1000);
	dump_stays(dump_site(fixture->new, 0, 3, "send", 7), 2000);
	compare(fixture);
	process = fixture->diff->processes;
	assert_true(process->same);
	assert_site(&process->sites[0], DIFF_GREW, 1, 100, 150);
	assert_stays(&process->sites[0].stays, 80, 20, 70);
	assert_stays(&process->sites[1].stays, 0, 0, 7);
	assert_stays(&process->sites[2].stays, 0, 5, 0);
	assert_stays(&process->units[UNIT_THREAD].stays, 80, 25, 77);
	assert_false(process->units[UNIT_THREAD].stays.estimated);
	assert_true(dump_diff_rate(fixture->diff, process, 100, 150, &rate));
	assert_true(rate == 5);
	assert_true(dump_diff_rate(fixture->diff, process, 150, 100, &rate));
	assert_true(rate == -5);
}

/* A pool that worked: as many as before, but others. */
static void test_a_crowd_that_was_renewed_is_the_same(void **state)
{
	struct fixture *fixture = *state;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 8), 0);
	dump_stays(dump_site(fixture->new, 0, 1, "work", 8), 100);
	compare(fixture);
	assert_false(fixture->diff->differs);
	assert_stays(&fixture->diff->processes[0].sites[0].stays, 0, 8, 8);
}

static void test_large_crowds_are_estimated(void **state)
{
	struct fixture *fixture = *state;
	const struct diff_stays *stays;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 20000), 0);
	dump_stays(dump_site(fixture->new, 0, 1, "work", 30000), 10000);
	compare(fixture);
	stays = &fixture->diff->processes[0].sites[0].stays;
	assert_true(stays->known && stays->estimated);
	assert_in_range(stays->stayed, 9000, 11000);
	assert_int_equal(stays->stayed + stays->left, 20000);
	assert_int_equal(stays->stayed + stays->came, 30000);
	assert_true(fixture->diff->processes[0].units[UNIT_THREAD].stays.estimated);
}

static void test_a_dump_that_does_not_say_its_stays(void **state)
{
	struct fixture *fixture = *state;
	const struct process_diff *process;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 8), 0);
	dump_site(fixture->new, 0, 1, "work", 9);
	compare(fixture);
	process = fixture->diff->processes;
	assert_true(process->same);
	assert_false(process->sites[0].stays.known);
	assert_false(process->units[UNIT_THREAD].stays.known);
	assert_true(process->units[UNIT_GOROUTINE].stays.known);
}

static void test_exec_makes_other_stays(void **state)
{
	struct fixture *fixture = *state;
	double rate;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api2", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 8), 0);
	dump_stays(dump_site(fixture->new, 0, 1, "work", 8), 0);
	fixture->old->processes[0].exec_id_known = fixture->new->processes[0].exec_id_known = true;
	fixture->old->processes[0].exec_id = 3;
	fixture->new->processes[0].exec_id = 4;
	compare(fixture);
	assert_int_equal(fixture->diff->processes_count, 1);
	assert_true(fixture->diff->processes[0].same);
	assert_true(fixture->diff->processes[0].other_program);
	assert_false(fixture->diff->processes[0].sites[0].stays.known);
	assert_false(dump_diff_rate(fixture->diff, fixture->diff->processes, 1, 2, &rate));
}

static void test_no_rate_without_time(void **state)
{
	struct fixture *fixture = *state;
	double rate = 42;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	fixture->new->wall_ns = fixture->old->wall_ns + 999999999;
	compare(fixture);
	assert_false(dump_diff_rate(fixture->diff, fixture->diff->processes, 1, 2, &rate));
	fixture->new->wall_ns = fixture->old->wall_ns - MINUTE_NS;
	compare(fixture);
	assert_int_equal(fixture->diff->elapsed_ns, -MINUTE_NS);
	assert_false(dump_diff_rate(fixture->diff, fixture->diff->processes, 1, 2, &rate));
	assert_true(rate == 42);
}

/* Eight workers, of which one has been replaced, and one more; an api that is new. */
static void test_processes_of_one_name(void **state)
{
	struct fixture *fixture = *state;
	const struct process_diff *process;
	char entity_id[8];

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(entity_id, sizeof(entity_id), "w%u", i);
		dump_process(fixture->old, 10 + i, "worker", entity_id);
		dump_site(fixture->old, i, 1, "accept", 4);
	}
	for (uint32_t i = 1; i < 10; i++) {
		snprintf(entity_id, sizeof(entity_id), "w%u", i);
		dump_process(fixture->new, 10 + i, "worker", entity_id);
		dump_site(fixture->new, i - 1, 1, "accept", 4);
	}
	dump_process(fixture->new, 99, "api", NULL);
	compare(fixture);
	assert_int_equal(fixture->diff->processes_count, 9);
	process = &fixture->diff->processes[0];
	assert_string_equal(process->new->name, "worker");
	assert_int_equal(process->old_count, 1);
	assert_int_equal(process->new_count, 2);
	assert_false(process->same);
	assert_site(&process->sites[0], DIFF_GREW, 1, 4, 8);
	assert_false(process->units[UNIT_THREAD].now_known);
	process = &fixture->diff->processes[1];
	assert_string_equal(process->new->name, "api");
	assert_int_equal(process->change, DIFF_NEW);
	assert_true(process->differs);
	for (size_t i = 2; i < 9; i++) {
		assert_true(fixture->diff->processes[i].same);
		assert_false(fixture->diff->processes[i].differs);
		assert_int_equal(fixture->diff->processes[i].new->pid, 11 + i - 2);
	}
}

/* As a hostile file may have it: one identity for several processes is none. */
static void test_an_identity_that_stands_twice(void **state)
{
	struct fixture *fixture = *state;

	dump_process(fixture->old, 1, "api", "a");
	dump_process(fixture->old, 2, "api", "a");
	dump_process(fixture->new, 1, "api", "a");
	compare(fixture);
	assert_int_equal(fixture->diff->processes_count, 1);
	assert_false(fixture->diff->processes[0].same);
	assert_int_equal(fixture->diff->processes[0].old_count, 2);
	assert_int_equal(fixture->diff->processes[0].new_count, 1);
}

static void test_sites_that_stand_twice_are_summed(void **state)
{
	struct fixture *fixture = *state;

	dump_process(fixture->old, 1, "api", "a");
	dump_process(fixture->new, 1, "api", "a");
	dump_stays(dump_site(fixture->old, 0, 1, "work", 3), 0);
	dump_stays(dump_site(fixture->old, 0, 1, "work", 4), 10);
	dump_stays(dump_site(fixture->new, 0, 1, "work", 7), 0);
	compare(fixture);
	assert_false(fixture->diff->differs);
	assert_site(&fixture->diff->processes[0].sites[0], DIFF_SAME, 1, 7, 7);
	assert_false(fixture->diff->processes[0].sites[0].stays.known);
}

static void go_processes(struct fixture *fixture)
{
	for (int i = 0; i < 2; i++) {
		struct dump *dump = i ? fixture->new : fixture->old;
		struct dump_site *site;

		dump_process(dump, 7, "api", "a");
		dump->processes[0].go = true;
		dump_site(dump, 0, 1, "runtime.futex", i ? 6 : 4);
		site = dump_site(dump, 0, 2, "runtime.gopark", i ? 5 : 6);
		site->unit = UNIT_GOROUTINE;
		site->runtime = true;
		site = dump_site(dump, 0, 3, "main.work", 9);
		site->unit = UNIT_GOROUTINE;
	}
}

static void test_units_of_the_go_runtime_are_not_compared(void **state)
{
	struct fixture *fixture = *state;
	const struct process_diff *process;

	go_processes(fixture);
	compare(fixture);
	assert_false(fixture->diff->differs);
	process = fixture->diff->processes;
	assert_int_equal(process->sites_count, 1);
	assert_int_equal(process->units[UNIT_THREAD].old_folded, 4);
	assert_int_equal(process->units[UNIT_THREAD].new_folded, 6);
	assert_int_equal(process->units[UNIT_GOROUTINE].new_folded, 5);
	assert_int_equal(process->units[UNIT_GOROUTINE].new_parked, 9);

	fixture->rules.runtime = true;
	compare(fixture);
	assert_true(fixture->diff->differs);
	assert_int_equal(fixture->diff->processes[0].sites_count, 3);
	assert_int_equal(fixture->diff->processes[0].units[UNIT_THREAD].new_folded, 0);
}

static void test_only_one_unit(void **state)
{
	struct fixture *fixture = *state;

	go_processes(fixture);
	fixture->rules.runtime = true;
	fixture->rules.units = SHOWN_GOROUTINES;
	compare(fixture);
	assert_int_equal(fixture->diff->processes[0].sites_count, 2);
	assert_site(&fixture->diff->processes[0].sites[0], DIFF_SHRANK, 2, 6, 5);
	assert_int_equal(fixture->diff->processes[0].units[UNIT_THREAD].new_parked, 0);
}

static void test_how_many_there_are_at_all(void **state)
{
	struct fixture *fixture = *state;
	const struct unit_diff *threads;

	dump_process(fixture->old, 7, "api", "a");
	dump_process(fixture->new, 7, "api", "a");
	fixture->old->processes[0].threads_known = true;
	fixture->old->processes[0].threads = 21;
	compare(fixture);
	assert_false(fixture->diff->processes[0].units[UNIT_THREAD].now_known);
	fixture->new->processes[0].threads_known = true;
	fixture->new->processes[0].threads = 30;
	compare(fixture);
	threads = &fixture->diff->processes[0].units[UNIT_THREAD];
	assert_true(threads->now_known);
	assert_int_equal(threads->old_now, 21);
	assert_int_equal(threads->new_now, 30);
}

static void test_empty_dumps_are_the_same(void **state)
{
	struct fixture *fixture = *state;

	compare(fixture);
	assert_false(fixture->diff->differs);
	assert_int_equal(fixture->diff->processes_count, 0);
	dump_diff_free(NULL);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_what_can_happen_to_a_site),
		test(test_stays_of_the_same_process),
		test(test_a_crowd_that_was_renewed_is_the_same),
		test(test_large_crowds_are_estimated),
		test(test_a_dump_that_does_not_say_its_stays),
		test(test_exec_makes_other_stays),
		test(test_no_rate_without_time),
		test(test_processes_of_one_name),
		test(test_an_identity_that_stands_twice),
		test(test_sites_that_stand_twice_are_summed),
		test(test_units_of_the_go_runtime_are_not_compared),
		test(test_only_one_unit),
		test(test_how_many_there_are_at_all),
		test(test_empty_dumps_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
