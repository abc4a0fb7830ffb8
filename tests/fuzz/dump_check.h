/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_FUZZ_DUMP_CHECK_H
#define PARKSCOPE_TESTS_FUZZ_DUMP_CHECK_H

/* What must hold of every dump that a parser lets through. */

#include <string.h>

#include "fuzz.h"
#include "input/frame_text.h"
#include "model/dump_diff.h"

/* Reads a printed frame and prints it again. */
static inline void dump_reprint_frame(const char *text, char *again, size_t size)
{
	struct stack *stack = stack_new(1);

	FUZZ_REQUIRE(stack && *text);
	FUZZ_REQUIRE(frame_text_parse(text, &stack->frames[0]) == 0);
	dump_frame_print(&stack->frames[0], again, size);
	stack_free(stack);
}

/*
 * A frame that is printed and read again prints the same, but for offsets of 0, which are not
 * printed: a name from elsewhere may end like some of these.
 */
static inline void dump_check_frame(const struct frame *frame)
{
	char text[2 * DUMP_STRING_MAX], again[sizeof(text)];

	dump_frame_print(frame, text, sizeof(text));
	dump_reprint_frame(text, again, sizeof(again));
	while (strlen(again) < strlen(text) && strstr(text, "+0x0")) {
		memcpy(text, again, sizeof(text));
		dump_reprint_frame(text, again, sizeof(again));
	}
	FUZZ_REQUIRE(strcmp(text, again) == 0);
}

static inline void dump_check_site(const struct dump_site *site)
{
	FUZZ_REQUIRE(site->stack && site->stack->count <= DUMP_STACK_MAX);
	FUZZ_REQUIRE(site->reason && *site->reason);
	FUZZ_REQUIRE(site->now <= DUMP_COUNT_MAX && !site->stays.failed);
	FUZZ_REQUIRE(site->stays.count <= STAY_SAMPLE_MAX && site->stays.count <= site->now);
	for (size_t i = 0; i < site->stack->count; i++)
		dump_check_frame(&site->stack->frames[i]);
}

/* Compared with itself it is the same, with an empty one all of it has gone. */
static inline void dump_check_diff(const struct dump *dump)
{
	const struct diff_rules rules = {.runtime = true};
	auto_free(dump) struct dump *empty = dump_new();
	auto_free(dump_diff) struct dump_diff *same = dump_diff_new(dump, dump, &rules);
	auto_free(dump_diff) struct dump_diff *gone = dump_diff_new(dump, empty, &rules);

	FUZZ_REQUIRE(empty && same && gone);
	FUZZ_REQUIRE(!same->differs);
	FUZZ_REQUIRE(gone->differs == (dump->processes_count > 0));
	for (size_t i = 0; i < same->processes_count; i++) {
		const struct process_diff *process = &same->processes[i];

		FUZZ_REQUIRE(process->old && process->new && !process->differs);
		for (size_t j = 0; j < process->sites_count; j++) {
			const struct diff_stays *stays = &process->sites[j].stays;

			FUZZ_REQUIRE(process->sites[j].old_now == process->sites[j].new_now);
			FUZZ_REQUIRE(!stays->known || stays->estimated ||
				     stays->stayed == process->sites[j].old_now);
		}
	}
	for (size_t i = 0; i < gone->processes_count; i++)
		FUZZ_REQUIRE(gone->processes[i].change == DIFF_GONE);
}

static inline void dump_check(const struct dump *dump)
{
	size_t sites = 0;

	for (size_t i = 0; i < dump->processes_count; i++) {
		for (size_t j = 0; j < dump->processes[i].sites_count; j++)
			dump_check_site(&dump->processes[i].sites[j]);
		sites += dump->processes[i].sites_count;
	}
	FUZZ_REQUIRE(sites == dump->sites_count);
	dump_check_diff(dump);
}

#endif
