// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/btf_signature.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

/*
 * BTF as kernels have it: what bpftool prints of btf_trace_sched_switch on 5.10
 * (three arguments), 6.1 and 6.12 (four), and shapes that must be refused.
 */
struct fixture {
	struct btf *btf;
	int void_pointer, boolean, task_pointer, unsigned_int, long_int;
};

static struct fixture fixture_new(void)
{
	struct fixture fixture = {.btf = btf__new_empty()};
	struct btf *btf = fixture.btf;
	int task, boolean;

	assert_non_null(btf);
	fixture.void_pointer = btf__add_ptr(btf, 0);
	boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	fixture.boolean = btf__add_typedef(btf, "bool", boolean);
	task = btf__add_struct(btf, "task_struct", 64);
	fixture.unsigned_int = btf__add_int(btf, "unsigned int", 4, 0);
	fixture.long_int = btf__add_int(btf, "long int", 8, BTF_INT_SIGNED);
	fixture.task_pointer = btf__add_ptr(btf, task);
	return fixture;
}

/* Adds the tracepoint with these arguments after the hidden context; ends at 0. */
static void add_tracepoint(struct fixture *fixture, const int *arguments)
{
	struct btf *btf = fixture->btf;
	int prototype = btf__add_func_proto(btf, 0);

	assert_int_equal(btf__add_func_param(btf, "", fixture->void_pointer), 0);
	for (; *arguments; arguments++)
		assert_int_equal(btf__add_func_param(btf, "", *arguments), 0);
	assert_true(btf__add_typedef(btf, "btf_trace_sched_switch", btf__add_ptr(btf, prototype)) >
		    0);
}

static void three_arguments_have_no_prev_state(void **state)
{
	struct fixture f = fixture_new();
	const int arguments[] = {f.boolean, f.task_pointer, f.task_pointer, 0};
	struct sched_switch_layout layout = {0};

	(void)state;
	add_tracepoint(&f, arguments);
	assert_int_equal(btf_sched_switch_layout(f.btf, &layout, NULL), 0);
	assert_int_equal(layout.arguments, 3);
	assert_false(layout.has_prev_state);
	btf__free(f.btf);
}

static void four_arguments_have_prev_state_last(void **state)
{
	struct fixture f = fixture_new();
	const int arguments[] = {f.boolean, f.task_pointer, f.task_pointer, f.unsigned_int, 0};
	struct sched_switch_layout layout = {0};

	(void)state;
	add_tracepoint(&f, arguments);
	assert_int_equal(btf_sched_switch_layout(f.btf, &layout, NULL), 0);
	assert_int_equal(layout.arguments, 4);
	assert_true(layout.has_prev_state);
	btf__free(f.btf);
}

static void assert_refused(struct fixture *fixture, const int *arguments)
{
	const struct sched_switch_layout untouched = {.arguments = 77};
	struct sched_switch_layout layout = untouched;
	struct error error = {0};

	add_tracepoint(fixture, arguments);
	assert_int_equal(btf_sched_switch_layout(fixture->btf, &layout, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "does not know"));
	assert_memory_equal(&layout, &untouched, sizeof(layout));
	btf__free(fixture->btf);
}

/* fa2c3254d7cf, between two release candidates of 5.18 */
static void prev_state_in_second_place_is_refused(void **state)
{
	struct fixture f = fixture_new();
	const int arguments[] = {f.boolean, f.unsigned_int, f.task_pointer, f.task_pointer, 0};

	(void)state;
	assert_refused(&f, arguments);
}

static void a_state_of_another_size_is_refused(void **state)
{
	struct fixture f = fixture_new();
	const int arguments[] = {f.boolean, f.task_pointer, f.task_pointer, f.long_int, 0};

	(void)state;
	assert_refused(&f, arguments);
}

static void more_or_fewer_arguments_are_refused(void **state)
{
	struct fixture five = fixture_new(), two = fixture_new();
	const int more[] = {five.boolean,      five.task_pointer, five.task_pointer,
			    five.unsigned_int, five.unsigned_int, 0};
	const int fewer[] = {two.boolean, two.task_pointer, 0};

	(void)state;
	assert_refused(&five, more);
	assert_refused(&two, fewer);
}

static void no_tracepoint_is_said(void **state)
{
	struct fixture f = fixture_new();
	struct sched_switch_layout layout = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(btf_sched_switch_layout(f.btf, &layout, &error), -ENOENT);
	assert_non_null(strstr(error.text, "sched_switch"));
	btf__free(f.btf);
}

static void fields_structs_and_functions_are_found_by_name(void **state)
{
	struct fixture f = fixture_new();
	int prototype;

	(void)state;
	assert_true(btf__add_struct(f.btf, "sched_info", 8) > 0);
	assert_int_equal(btf__add_field(f.btf, "last_arrival", f.long_int, 0, 0), 0);
	prototype = btf__add_func_proto(f.btf, 0);
	assert_true(btf__add_func(f.btf, "some_function", BTF_FUNC_STATIC, prototype) > 0);

	assert_true(btf_has_struct(f.btf, "sched_info"));
	assert_false(btf_has_struct(f.btf, "vhost_task"));
	assert_true(btf_has_field(f.btf, "sched_info", "last_arrival"));
	assert_false(btf_has_field(f.btf, "sched_info", "last_queued"));
	assert_false(btf_has_field(f.btf, "vhost_task", "last_arrival"));
	assert_true(btf_has_function(f.btf, "some_function"));
	assert_false(btf_has_function(f.btf, "other_function"));
	btf__free(f.btf);
}

static void the_running_kernel_is_known(void **state)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct sched_switch_layout layout = {0};
	struct error error = {0};

	(void)state;
	assert_non_null(btf);
	assert_int_equal(btf_sched_switch_layout(btf, &layout, &error), 0);
	assert_int_equal(layout.arguments, layout.has_prev_state ? 4 : 3);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_arguments_have_no_prev_state),
		cmocka_unit_test(four_arguments_have_prev_state_last),
		cmocka_unit_test(prev_state_in_second_place_is_refused),
		cmocka_unit_test(a_state_of_another_size_is_refused),
		cmocka_unit_test(more_or_fewer_arguments_are_refused),
		cmocka_unit_test(no_tracepoint_is_said),
		cmocka_unit_test(fields_structs_and_functions_are_found_by_name),
		cmocka_unit_test(the_running_kernel_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
