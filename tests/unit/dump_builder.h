/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_DUMP_BUILDER_H
#define PARKSCOPE_TESTS_DUMP_BUILDER_H

/* Builds dumps by hand. */

#include "model/dump_diff.h"
#include "model_builder.h"

/* The process is found again by its index: what is added moves the others. */
static inline size_t dump_process(struct dump *dump, uint32_t pid, const char *name,
				  const char *entity_id)
{
	struct dump_process *process;

	assert_int_equal(dump_add_process(dump, &process), 0);
	process->pid = pid;
	process->name = build_string(name);
	process->entity_id = entity_id ? build_string(entity_id) : NULL;
	return dump->processes_count - 1;
}

/* A site whose stack is one frame, `function`. */
static inline struct dump_site *dump_site(struct dump *dump, size_t process, uint64_t id,
					  const char *function, uint64_t now)
{
	struct dump_site *site;

	assert_int_equal(dump_add_site(dump, &dump->processes[process], 1, &site), 0);
	site->reason = build_string("futex");
	site->id = id;
	site->now = now;
	site->stack->frames[0].function = build_string(function);
	site->stack->frames[0].module = build_string("target");
	site->stack->frames[0].offset = 0x1f;
	return site;
}

/* The stays `first`, `first` + 1, ... of the crowd, as ids that are spread over all numbers. */
static inline void dump_stays(struct dump_site *site, uint64_t first)
{
	for (uint64_t i = 0; i < site->now; i++) {
		uint64_t id = (first + i) * 0x9e3779b97f4a7c15ULL;

		id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9ULL;
		stay_sample_add(&site->stays, id ^ id >> 27);
	}
	stay_sample_sort(&site->stays);
}

static inline struct dump *build_dump(int64_t wall_ns)
{
	struct dump *dump = dump_new();

	assert_non_null(dump);
	dump->wall_ns = wall_ns;
	return dump;
}

#endif
