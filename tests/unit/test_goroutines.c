// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutines.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "sources/goroutine_tracker.h"
#include "unit_test.h"

/*
 * Processes made up, with ids that no process has. These functions stand in for
 * go_process.c and goroutine_tracker.c, which the linker leaves out.
 */

#define SECOND_NS 1000000000ULL

enum {
	GO_PID = 4000001,
	C_PID = 4000002,
	TRACKERS_MAX = 16,
};

struct goroutine_tracker {
	pid_t pid;
	struct watched_process *process;
	struct goroutine_reader_config config;
	size_t sweeps, ends, drops;
	bool freed;
};

static struct {
	int attach_result; /* of GO_PID */
	size_t attaches, frees;
	uint64_t attach_ns; /* that each takes */
	uint64_t passed_ns;
	bool use_map_files;
	size_t refreshes;
	uint64_t code_pages; /* of C_PID */
	int sweep_result;
	size_t count;
	struct goroutine_tracker trackers[TRACKERS_MAX];
	struct go_version version;
	uint64_t swept_ns;
} fake;

/* Time passes only where it is said so. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = (time_t)(1000 + fake.passed_ns / SECOND_NS);
	now->tv_nsec = (long)(fake.passed_ns % SECOND_NS);
	return 0;
}

/* A Go process is its number. */
static pid_t pid_of(const struct go_process *go)
{
	return (pid_t)(uintptr_t)go;
}

/* And what it has mapped, too. */
struct process_mappings *mapping_cache_get(struct mapping_cache *cache,
					   const struct process_ref *ref, uint64_t now_ns)
{
	(void)cache;
	(void)now_ns;
	return (struct process_mappings *)(uintptr_t)ref->pid;
}

uint64_t process_mappings_age_ns(const struct process_mappings *process, uint64_t now_ns)
{
	(void)process;
	(void)now_ns;
	return 1;
}

void process_mappings_refresh(struct mapping_cache *cache, struct process_mappings *process,
			      uint64_t now_ns)
{
	(void)cache;
	(void)process;
	(void)now_ns;
	fake.refreshes++;
}

uint64_t process_maps_code_pages(pid_t pid)
{
	return pid == C_PID ? fake.code_pages : 1;
}

struct go_process_files {
	bool there;
};

struct go_process_files *go_process_files_new(void)
{
	static struct go_process_files files;

	assert_false(files.there);
	files.there = true;
	return &files;
}

void go_process_files_free(struct go_process_files *files)
{
	assert_true(files->there);
	files->there = false;
}

int go_process_attach(struct process_mappings *mappings, struct go_process_files *files,
		      bool use_map_files, struct go_process **out, struct error *error)
{
	pid_t pid = (pid_t)(uintptr_t)mappings;

	assert_true(files->there);
	fake.attaches++;
	fake.passed_ns += fake.attach_ns;
	fake.use_map_files = use_map_files;
	if (pid == C_PID)
		return -ENODATA;
	if (fake.attach_result == -ENOTSUP)
		return error_set(error, -ENOTSUP, "go1.99 is not known");
	if (fake.attach_result)
		return fake.attach_result;
	*out = (struct go_process *)(uintptr_t)pid;
	return 0;
}

void go_process_free(struct go_process *go)
{
	fake.frees += go != NULL;
}

const struct go_version *go_process_version(const struct go_process *go)
{
	assert_non_null(go);
	return &fake.version;
}

struct goroutine_tracker *goroutine_tracker_new(const struct go_process *go,
						struct watched_process *process,
						const struct goroutine_reader_config *config)
{
	struct goroutine_tracker *tracker = &fake.trackers[fake.count++];

	assert_true(fake.count <= TRACKERS_MAX);
	*tracker = (struct goroutine_tracker){
		.pid = pid_of(go), .process = process, .config = *config};
	return tracker;
}

void goroutine_tracker_free(struct goroutine_tracker *tracker)
{
	if (!tracker)
		return;
	assert_false(tracker->freed);
	tracker->freed = true;
}

int goroutine_tracker_sweep(struct goroutine_tracker *tracker, uint64_t now_ns,
			    struct losses *losses)
{
	assert_false(tracker->freed);
	assert_non_null(losses);
	fake.swept_ns = now_ns;
	tracker->sweeps++;
	return fake.sweep_result;
}

void goroutine_tracker_drop(struct goroutine_tracker *tracker)
{
	assert_false(tracker->freed);
	tracker->drops++;
}

void goroutine_tracker_end(struct goroutine_tracker *tracker)
{
	assert_false(tracker->freed);
	tracker->ends++;
}

static struct {
	struct host_features features;
	struct sources_context context;
	struct goroutines *goroutines;
} fixture;

static int set_up(void **state)
{
	static const struct goroutines_config config = {.each = true};

	(void)state;
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.version.text, "go1.24.1");
	memset(&fixture, 0, sizeof(fixture));
	fixture.features.has[FEATURE_MAP_FILES] = true;
	fixture.context.features = &fixture.features;
	fixture.context.processes = process_table_new(NULL);
	fixture.context.threads = thread_table_new(NULL);
	return goroutines_open(&fixture.context, &config, &fixture.goroutines, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	goroutines_free(fixture.goroutines);
	thread_table_free(fixture.context.threads);
	process_table_free(fixture.context.processes);
	for (size_t i = 0; i < fake.count; i++)
		assert_true(fake.trackers[i].freed);
	assert_int_equal(fake.frees, fake.count);
	return 0;
}

static struct process_entry *enter(uint32_t tgid, uint64_t start_ns)
{
	struct process_entry *entry =
		process_table_enter(fixture.context.processes, tgid, start_ns, 1, 0);

	assert_non_null(entry);
	return entry;
}

static int sweep(uint64_t now_s)
{
	fixture.context.now_ns = now_s * SECOND_NS;
	return goroutines_sweep(fixture.goroutines, NULL);
}

static void go_is_found_and_swept(void **state)
{
	struct process_entry *go = enter(GO_PID, 1), *c = enter(C_PID, 1);

	(void)state;
	assert_int_equal(sweep(1), 0);
	assert_int_equal(fake.count, 1);
	assert_int_equal(fake.trackers[0].pid, GO_PID);
	assert_ptr_equal(fake.trackers[0].process, go->process);
	assert_true(fake.trackers[0].config.each);
	assert_false(fake.trackers[0].config.runtime_frames);
	assert_true(fake.use_map_files);
	assert_string_equal(go->process->go_version, "go1.24.1");
	assert_null(go->process->go_refused);
	assert_null(c->process->go_version);
	assert_null(c->process->go_refused);
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.trackers[0].sweeps, 2);
	assert_int_equal(fake.swept_ns, 2 * SECOND_NS);
	assert_int_equal(fake.attaches, 2);
}

/* It may load a library that has Go. */
static void those_without_go_are_asked_again(void **state)
{
	(void)state;
	enter(C_PID, 1);
	assert_int_equal(sweep(1), 0);
	assert_int_equal(sweep(30), 0);
	assert_int_equal(fake.attaches, 1);
	assert_int_equal(fake.refreshes, 0);
	/* By what it has mapped by now. */
	fake.code_pages = 100;
	assert_int_equal(sweep(31), 0);
	assert_int_equal(fake.attaches, 2);
	assert_int_equal(fake.refreshes, 1);
	assert_int_equal(sweep(32), 0);
	assert_int_equal(fake.attaches, 2);
	/* It has loaded nothing since. */
	assert_int_equal(sweep(61), 0);
	assert_int_equal(fake.attaches, 2);
	fake.code_pages = 101;
	assert_int_equal(sweep(91), 0);
	assert_int_equal(fake.attaches, 3);
}

static void a_runtime_that_is_not_set_up_is_asked_in_the_next_sweep(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	fake.attach_result = -EAGAIN;
	assert_int_equal(sweep(1), 0);
	assert_int_equal(fake.attaches, 1);
	assert_int_equal(fake.count, 0);
	assert_null(go->process->go_version);
	fake.attach_result = 0;
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.attaches, 2);
	assert_int_equal(fake.count, 1);
}

/* One that will never be set up: 1, 2, 4 sweeps later, and so on up to 30 s. */
static void it_is_asked_less_and_less_often(void **state)
{
	static const uint64_t asked[] = {1, 2, 4, 8, 16, 32, 62, 92, 122};
	struct process_entry *go = enter(GO_PID, 1);
	size_t next = 0;

	(void)state;
	fake.attach_result = -EAGAIN;
	for (uint64_t now = 1; now <= 130; now++) {
		assert_int_equal(sweep(now), 0);
		if (next < sizeof(asked) / sizeof(asked[0]) && asked[next] == now)
			next++;
		assert_int_equal(fake.attaches, next);
	}
	assert_int_equal(next, sizeof(asked) / sizeof(asked[0]));
	/* Another program is asked at once, and the next sweep again. */
	process_table_exec(fixture.context.processes, go, 2);
	assert_int_equal(sweep(131), 0);
	assert_int_equal(sweep(132), 0);
	assert_int_equal(fake.attaches, next + 2);
}

static void asking_takes_no_more_than_two_seconds_a_sweep(void **state)
{
	enum {
		PROCESSES = 10
	};

	(void)state;
	for (uint32_t i = 0; i < PROCESSES; i++)
		enter(C_PID + 1 + i, 1);
	fake.attach_result = -ENODATA;
	fake.attach_ns = SECOND_NS / 2;
	assert_int_equal(sweep(1), 0);
	assert_int_equal(fake.attaches, 4);
	assert_int_equal(losses_interval_of(&fixture.context.losses, "go_not_attached"), 6);
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.attaches, 8);
	assert_int_equal(losses_interval_of(&fixture.context.losses, "go_not_attached"), 8);
	assert_int_equal(sweep(3), 0);
	assert_int_equal(fake.attaches, PROCESSES);
	assert_int_equal(losses_interval_of(&fixture.context.losses, "go_not_attached"), 8);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	fake.attach_result = -ENOTSUP;
	assert_int_equal(sweep(1), 0);
	assert_string_equal(go->process->go_refused, "go1.99 is not known");
	assert_null(go->process->go_version);
	assert_int_equal(losses_interval_of(&fixture.context.losses, "go_version_unknown"), 1);
	/* Once found, nothing of the refusal is left. */
	fake.attach_result = 0;
	assert_int_equal(sweep(31), 0);
	assert_null(go->process->go_refused);
	assert_string_equal(go->process->go_version, "go1.24.1");
}

static void other_errors_are_no_end(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	fake.attach_result = -ESRCH;
	assert_int_equal(sweep(1), 0);
	assert_null(go->process->go_refused);
	fake.attach_result = -ENOMEM;
	assert_int_equal(sweep(31), -ENOMEM);
	assert_int_equal(fake.count, 0);
}

static void another_program_starts_anew(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	assert_int_equal(sweep(1), 0);
	process_table_exec(fixture.context.processes, go, 2);
	strcpy(fake.version.text, "go1.19");
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.count, 2);
	assert_int_equal(fake.trackers[0].ends, 1);
	assert_true(fake.trackers[0].freed);
	assert_int_equal(fake.trackers[1].sweeps, 1);
	assert_string_equal(go->process->go_version, "go1.19");
	/* One that is not Go. */
	process_table_exec(fixture.context.processes, go, 3);
	fake.attach_result = -ENODATA;
	assert_int_equal(sweep(3), 0);
	assert_true(fake.trackers[1].freed);
	assert_null(go->process->go_version);
}

static void processes_that_end(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	assert_int_equal(sweep(1), 0);
	process_table_end(fixture.context.processes, go);
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.trackers[0].ends, 1);
	assert_int_equal(fake.trackers[0].sweeps, 1);
	assert_false(fake.trackers[0].freed);
	goroutines_forget(fixture.goroutines, go);
	assert_true(fake.trackers[0].freed);
	process_table_drop_ended(fixture.context.processes);
	assert_int_equal(sweep(3), 0);
	assert_int_equal(fake.attaches, 1);
}

/* It ran another program and ended before the next sweep. */
static void processes_that_exec_and_end(void **state)
{
	struct process_entry *go = enter(GO_PID, 1);

	(void)state;
	assert_int_equal(sweep(1), 0);
	process_table_exec(fixture.context.processes, go, 2);
	process_table_end(fixture.context.processes, go);
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.trackers[0].ends, 1);
	goroutines_forget(fixture.goroutines, go);
	assert_true(fake.trackers[0].freed);
	process_table_drop_ended(fixture.context.processes);
	assert_int_equal(sweep(3), 0);
}

/* One that was never looked at is not asked when it has ended. */
static void processes_that_ended_at_once(void **state)
{
	(void)state;
	process_table_end(fixture.context.processes, enter(GO_PID, 1));
	assert_int_equal(sweep(1), 0);
	assert_int_equal(fake.attaches, 0);
}

static void a_pid_that_is_used_again(void **state)
{
	struct process_entry *old = enter(GO_PID, 1), *fresh;

	(void)state;
	assert_int_equal(sweep(1), 0);
	fresh = enter(GO_PID, 5);
	assert_ptr_not_equal(fresh, old);
	assert_true(old->process->ended);
	assert_int_equal(sweep(2), 0);
	assert_int_equal(fake.count, 2);
	assert_int_equal(fake.trackers[0].ends, 1);
	assert_ptr_equal(fake.trackers[1].process, fresh->process);
	assert_int_equal(fake.trackers[1].sweeps, 1);
	/* The new one stays. */
	goroutines_forget(fixture.goroutines, old);
	process_table_drop_ended(fixture.context.processes);
	assert_false(fake.trackers[1].freed);
	assert_int_equal(sweep(3), 0);
	assert_int_equal(fake.trackers[1].sweeps, 2);
	assert_int_equal(fake.trackers[1].ends, 0);
}

static void failing_sweeps_lead_to_another_look(void **state)
{
	(void)state;
	enter(GO_PID, 1);
	fake.sweep_result = -EFAULT;
	assert_int_equal(sweep(1), 0);
	assert_int_equal(sweep(2), 0);
	/* One that succeeds in between: it counts anew. */
	fake.sweep_result = 0;
	assert_int_equal(sweep(3), 0);
	fake.sweep_result = -EFAULT;
	assert_int_equal(sweep(4), 0);
	assert_int_equal(sweep(5), 0);
	assert_int_equal(fake.count, 1);
	assert_false(fake.trackers[0].freed);
	assert_int_equal(sweep(6), 0);
	assert_true(fake.trackers[0].freed);
	assert_int_equal(fake.trackers[0].ends, 0);
	assert_int_equal(fake.trackers[0].drops, 1);
	assert_int_equal(losses_interval_of(&fixture.context.losses, "goroutine_sweep_failed"), 5);
	fake.sweep_result = 0;
	/* Not at once: it may go on like that. */
	assert_int_equal(sweep(7), 0);
	assert_int_equal(fake.count, 1);
	assert_int_equal(sweep(36), 0);
	assert_int_equal(fake.count, 2);
	assert_int_equal(fake.trackers[1].sweeps, 1);
	fake.sweep_result = -ENOMEM;
	assert_int_equal(sweep(37), -ENOMEM);
}

static const struct stack *stack_of(uint64_t tid)
{
	const struct goroutine_reader_config *config = &fake.trackers[0].config;
	struct held_thread thread;

	if (!config->find_thread(tid, &thread, config->data))
		return NULL;
	assert_int_equal(thread.tid, tid);
	assert_string_equal(thread.name, "worker");
	return thread.stack;
}

static struct thread *add_thread(struct process_entry *process, uint32_t tid, struct site *site)
{
	struct thread *thread = thread_table_add(fixture.context.threads, process, tid, 1);

	assert_non_null(thread);
	thread->park_site = site;
	strcpy(thread->park_name, "worker");
	return thread;
}

static void parked_threads_lend_their_stacks(void **state)
{
	struct process_entry *go = enter(GO_PID, 1), *c = enter(C_PID, 1);
	auto_free(stack) struct stack *stack = stack_label("poll");
	struct site *site =
		watched_process_site(go->process, SITE_PARK, UNIT_THREAD, "poll", stack);

	(void)state;
	go->process->ns_pid = c->process->ns_pid = GO_PID;
	assert_int_equal(sweep(1), 0);
	assert_null(stack_of(10));
	for (uint32_t tid = 100; tid > 10; tid--)
		add_thread(go, tid, tid % 2 ? NULL : site);
	add_thread(c, 200, site);
	/* Threads are looked at once in a sweep. */
	assert_null(stack_of(20));
	assert_int_equal(sweep(2), 0);
	assert_ptr_equal(stack_of(20), site->stack);
	assert_ptr_equal(stack_of(12), site->stack);
	assert_ptr_equal(stack_of(100), site->stack);
	/* It is not parked, there is none, it is another process's. */
	assert_null(stack_of(21));
	assert_null(stack_of(10));
	assert_null(stack_of(0));
	assert_null(stack_of(102));
	assert_null(stack_of(200));
	/* Ids of another namespace. */
	go->process->ns_pid = 1;
	assert_null(stack_of(20));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(go_is_found_and_swept),
		TEST(those_without_go_are_asked_again),
		TEST(a_runtime_that_is_not_set_up_is_asked_in_the_next_sweep),
		TEST(it_is_asked_less_and_less_often),
		TEST(asking_takes_no_more_than_two_seconds_a_sweep),
		TEST(what_cannot_be_read_is_said),
		TEST(other_errors_are_no_end),
		TEST(another_program_starts_anew),
		TEST(processes_that_end),
		TEST(processes_that_exec_and_end),
		TEST(processes_that_ended_at_once),
		TEST(a_pid_that_is_used_again),
		TEST(failing_sweeps_lead_to_another_look),
		TEST(parked_threads_lend_their_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
