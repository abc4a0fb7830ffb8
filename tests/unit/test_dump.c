// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "dump_builder.h"

static void test_processes_and_sites_are_added(void **state)
{
	struct dump *dump = build_dump(0);
	struct dump_site *site;

	(void)state;
	for (uint32_t pid = 1; pid <= 100; pid++) {
		size_t process = dump_process(dump, pid, "target", NULL);

		for (uint64_t id = 0; id < 20; id++)
			dump_site(dump, process, id, "work", 1);
	}
	assert_int_equal(dump->processes_count, 100);
	assert_int_equal(dump->sites_count, 2000);
	assert_int_equal(dump->frames_count, 2000);
	assert_int_equal(dump->processes[99].pid, 100);
	assert_int_equal(dump->processes[99].sites[19].id, 19);
	assert_int_equal(dump_add_site(dump, &dump->processes[0], 0, &site), 0);
	assert_int_equal(site->stack->count, 0);
	assert_null(site->reason);
	dump_free(dump);
	dump_free(NULL);
}

static void test_limits(void **state)
{
	struct dump *dump = build_dump(0);
	size_t process = dump_process(dump, 1, "target", NULL);
	struct dump_site *site = NULL;

	(void)state;
	assert_int_equal(dump_add_site(dump, &dump->processes[process], DUMP_STACK_MAX + 1, &site),
			 -E2BIG);
	assert_null(site);
	dump->frames_count = DUMP_FRAMES_MAX - 2;
	assert_int_equal(dump_add_site(dump, &dump->processes[process], 3, &site), -E2BIG);
	assert_int_equal(dump_add_site(dump, &dump->processes[process], 2, &site), 0);
	dump->sites_count = DUMP_SITES_MAX;
	assert_int_equal(dump_add_site(dump, &dump->processes[process], 0, &site), -E2BIG);

	assert_int_equal(dump_take_bytes(dump, DUMP_BYTES_MAX), 0);
	assert_int_equal(dump_take_bytes(dump, 0), 0);
	assert_int_equal(dump_take_bytes(dump, 1), -E2BIG);
	assert_int_equal(dump_take_bytes(dump, SIZE_MAX), -E2BIG);
	dump_free(dump);
}

static void assert_prints(const struct frame *frame, const char *expected)
{
	char text[256];

	dump_frame_print(frame, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_frames_without_offsets(void **state)
{
	struct frame frame = {.function = (char *)"work", .module = (char *)"target"};

	(void)state;
	assert_prints(&frame, "work (target)");
	frame.guess = true;
	assert_prints(&frame, "work (target) [?]");
	frame.offset = 0x1f;
	assert_prints(&frame, "work+0x1f (target) [?]");
	frame = (struct frame){.function = (char *)"work"};
	assert_prints(&frame, "work");
	frame = (struct frame){.module = (char *)"target"};
	assert_prints(&frame, "target");
	frame = (struct frame){.function = (char *)"f", .file = (char *)"a/b.go", .line = 7};
	assert_prints(&frame, "f (b.go:7)");
	frame = (struct frame){.function = (char *)"[label]", .kind = FRAME_LABEL};
	assert_prints(&frame, "[label]");
	frame = (struct frame){.address = 0x1234};
	assert_prints(&frame, "0x1234");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes_and_sites_are_added),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_frames_without_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
