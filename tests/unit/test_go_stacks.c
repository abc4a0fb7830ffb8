// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>

#include "model_builder.h"
#include "output/go_stacks.h"
#include "scratch_file.h"

#define MINUTE_NS (60 * SECOND_NS)

struct fixture {
	struct scratch scratch;
	struct sink *sink;
	struct losses losses;
	struct watched_process *processes[2];
	struct report report;
};

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(sink_open(fixture->scratch.file, &fixture->sink, NULL), 0);
	fixture->processes[0] = build_process(4711, "payments-api");
	fixture->processes[0]->go_version = build_string("go1.23.4");
	fixture->report = (struct report){
		.processes = fixture->processes,
		.processes_count = 1,
		.losses = &fixture->losses,
	};
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->report.processes_count; i++)
		watched_process_free(fixture->processes[i]);
	sink_free(fixture->sink);
	scratch_remove(&fixture->scratch);
	free(fixture);
}

static void add(struct fixture *fixture, const struct goroutine_entry *entry)
{
	assert_int_equal(goroutine_list_add(&fixture->processes[0]->goroutine_list, entry), 0);
}

static void assert_written(struct fixture *fixture, bool runtime, const char *expected)
{
	const struct go_stacks_config config = {.runtime = runtime, .labels = true};

	assert_int_equal(go_stacks_write(&fixture->report, &config, fixture->sink, NULL), 0);
	assert_file(fixture->scratch.file, expected);
}

static void place(struct frame *frame, const char *file, uint32_t line, uint64_t offset,
		  uint64_t address)
{
	set_line(frame, file, line);
	frame->offset = offset;
	frame->address = address;
}

static void test_a_goroutine_as_pprof_prints_it(void **state)
{
	auto_free(stack) struct stack *stack = build_stack("main.(*T).f", "main.g", NULL);
	auto_free(stack) struct stack *creator = build_stack("main.serve", NULL);
	struct fixture *fixture = fixture_new();

	(void)state;
	place(&stack->frames[0], "/src/app/main.go", 30, 0x1d, 0x1000);
	place(&stack->frames[1], "/src/app/main.go", 25, 0x8e, 0x2000);
	place(&creator->frames[0], "/src/app/main.go", 29, 0x65, 0x3000);
	add(fixture, &(struct goroutine_entry){.goid = 34,
					       .parent_goid = 7,
					       .waited_ns = 12 * MINUTE_NS + 1,
					       .state = "chan send",
					       .stack = stack,
					       .creator = creator});
	assert_written(fixture, false,
		       "# payments-api 4711 go1.23.4\n"
		       "goroutine 34 [chan send, 12 minutes]:\n"
		       "main.(*T).f(...)\n"
		       "\t/src/app/main.go:30 +0x1d\n"
		       "main.g(...)\n"
		       "\t/src/app/main.go:25 +0x8e\n"
		       "created by main.serve in goroutine 7\n"
		       "\t/src/app/main.go:29 +0x65\n"
		       "\n");
	fixture_free(fixture);
}

static void test_what_a_header_can_have(void **state)
{
	auto_free(stack) struct stack *stack = build_stack("main.main", NULL);
	struct fixture *fixture = fixture_new();

	(void)state;
	place(&stack->frames[0], "/m.go", 1, 0, 0x1000);
	add(fixture, &(struct goroutine_entry){.goid = 1,
					       .waited_ns = MINUTE_NS,
					       .state = "select",
					       .stack = stack,
					       .labels = build_string("path=/pay, tenant=a"),
					       .locked = true});
	add(fixture,
	    &(struct goroutine_entry){
		    .goid = 2, .waited_ns = MINUTE_NS - 1, .state = "sleep", .stack = stack});
	add(fixture, &(struct goroutine_entry){.goid = 3, .state = "running"});
	add(fixture, &(struct goroutine_entry){.goid = 4, .stack = stack});
	assert_written(fixture, false,
		       "# payments-api 4711 go1.23.4\n"
		       "goroutine 1 [select, 1 minutes, locked to thread] {path=/pay, tenant=a}:\n"
		       "main.main(...)\n"
		       "\t/m.go:1\n"
		       "\n"
		       "goroutine 2 [sleep]:\n"
		       "main.main(...)\n"
		       "\t/m.go:1\n"
		       "\n"
		       "goroutine 3 [running]:\n"
		       "\tgoroutine running on other thread; stack unavailable\n"
		       "\n"
		       "goroutine 4 [unknown]:\n"
		       "main.main(...)\n"
		       "\t/m.go:1\n"
		       "\n");
	fixture_free(fixture);
}

/* An inlined function has no offset; recursion, whose frames look alike, has. */
static void test_inlined_functions_and_recursion(void **state)
{
	auto_free(stack) struct stack *stack =
		build_stack("main.inlined", "main.f", "main.f", "main.f", NULL);
	struct fixture *fixture = fixture_new();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		place(&stack->frames[i], "/m.go", 10 + (uint32_t)i, 0x20, i < 2 ? 0x1000 : 0x2000);
	add(fixture, &(struct goroutine_entry){.goid = 1, .state = "select", .stack = stack});
	assert_written(fixture, false,
		       "# payments-api 4711 go1.23.4\n"
		       "goroutine 1 [select]:\n"
		       "main.inlined(...)\n"
		       "\t/m.go:10\n"
		       "main.f(...)\n"
		       "\t/m.go:11 +0x20\n"
		       "main.f(...)\n"
		       "\t/m.go:12 +0x20\n"
		       "main.f(...)\n"
		       "\t/m.go:13 +0x20\n"
		       "\n");
	fixture_free(fixture);
}

static void test_frames_without_names_and_stacks_that_are_cut(void **state)
{
	auto_free(stack) struct stack *stack = build_stack("do_futex@kernel", "x", NULL);
	struct fixture *fixture = fixture_new();

	(void)state;
	free(stack->frames[1].function);
	stack->frames[1].function = NULL;
	stack = stack_append_label(stack, "[cut: too deep]");
	assert_non_null(stack);
	add(fixture, &(struct goroutine_entry){.goid = 1, .state = "syscall", .stack = stack});
	assert_written(fixture, false,
		       "# payments-api 4711 go1.23.4\n"
		       "goroutine 1 [syscall]:\n"
		       "target+0x10(...)\n"
		       "\t?:0 +0x10\n"
		       "[cut: too deep](...)\n"
		       "\t?:0\n"
		       "\n");
	fixture_free(fixture);
}

static void test_the_runtimes_own_only_when_asked_for(void **state)
{
	auto_free(stack) struct stack *stack = build_stack("runtime.gopark", NULL);
	const struct goroutine_entry entry = {
		.goid = 2, .state = "force gc (idle)", .stack = stack, .runtime = true};
	struct fixture *fixture = fixture_new();

	(void)state;
	add(fixture, &entry);
	assert_written(fixture, false, "# payments-api 4711 go1.23.4\n");
	fixture_free(fixture);

	fixture = fixture_new();
	add(fixture, &entry);
	assert_written(fixture, true,
		       "# payments-api 4711 go1.23.4\n"
		       "goroutine 2 [force gc (idle)]:\n"
		       "runtime.gopark(...)\n"
		       "\t?:0 +0x10\n"
		       "\n");
	fixture_free(fixture);
}

static void test_several_processes_and_losses(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->processes[0]->go_refused = build_string("it is too new");
	fixture->processes[1] = build_process(7, "redis");
	fixture->report.processes_count = 2;
	losses_add(&fixture->losses, "goroutine_moved", 3);
	assert_written(fixture, false,
		       "# payments-api 4711 go1.23.4, goroutines not read: it is too new\n"
		       "# redis 7 is no Go program\n"
		       "# lost: 3 goroutine_moved\n");
	fixture_free(fixture);
}

static void test_hostile_names_forge_no_goroutine(void **state)
{
	static const char hostile[] = "x\n\ngoroutine 1 [select]:\nmain.f(...)\r\x1b[2J";
	static const char safe[] = "x\\x0a\\x0agoroutine 1 [select]:\\x0amain.f(...)\\x0d\\x1b[2J";
	auto_free(stack) struct stack *stack = build_stack(hostile, NULL);
	struct fixture *fixture = fixture_new();
	char expected[1024];

	(void)state;
	place(&stack->frames[0], hostile, 3, 0x10, 0x1000);
	free(fixture->processes[0]->name);
	fixture->processes[0]->name = build_string(hostile);
	free(fixture->processes[0]->go_version);
	fixture->processes[0]->go_version = build_string(hostile);
	fixture->processes[0]->go_refused = build_string(hostile);
	add(fixture, &(struct goroutine_entry){.goid = 1,
					       .state = hostile,
					       .stack = stack,
					       .creator = stack,
					       .labels = build_string(hostile)});
	snprintf(expected, sizeof(expected),
		 "# %s 4711 %s, goroutines not read: %s\n"
		 "goroutine 1 [%s] {%s}:\n"
		 "%s(...)\n"
		 "\t%s:3 +0x10\n"
		 "created by %s\n"
		 "\t%s:3 +0x10\n"
		 "\n",
		 safe, safe, safe, safe, safe, safe, safe, safe, safe);
	assert_written(fixture, false, expected);
	fixture_free(fixture);
}

/* More than one buffer, whole. */
static void test_many_goroutines(void **state)
{
	enum {
		COUNT = 10000,
	};
	auto_free(stack) struct stack *stack = build_stack("main.f", NULL);
	struct fixture *fixture = fixture_new();
	size_t found = 0;
	char *text;
	const struct go_stacks_config config = {0};

	(void)state;
	place(&stack->frames[0], "/a/path/that/is/long/enough/to/fill/it.go", 3, 0x10, 0x1000);
	for (uint64_t i = 0; i < COUNT; i++)
		add(fixture,
		    &(struct goroutine_entry){.goid = i + 1, .state = "select", .stack = stack});
	assert_int_equal(go_stacks_write(&fixture->report, &config, fixture->sink, NULL), 0);
	text = scratch_read(fixture->scratch.file);
	for (const char *at = text; (at = strstr(at, "\ngoroutine ")); at++)
		found++;
	assert_int_equal(found, COUNT);
	free(text);
	fixture_free(fixture);
}

static void test_a_write_that_fails_is_reported(void **state)
{
	struct fixture *fixture = fixture_new();
	auto_free(sink) struct sink *full = NULL;
	const struct go_stacks_config config = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(sink_open("/dev/full", &full, NULL), 0);
	assert_int_equal(go_stacks_write(&fixture->report, &config, full, &error), -ENOSPC);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_goroutine_as_pprof_prints_it),
		cmocka_unit_test(test_what_a_header_can_have),
		cmocka_unit_test(test_inlined_functions_and_recursion),
		cmocka_unit_test(test_frames_without_names_and_stacks_that_are_cut),
		cmocka_unit_test(test_the_runtimes_own_only_when_asked_for),
		cmocka_unit_test(test_several_processes_and_losses),
		cmocka_unit_test(test_hostile_names_forge_no_goroutine),
		cmocka_unit_test(test_many_goroutines),
		cmocka_unit_test(test_a_write_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
