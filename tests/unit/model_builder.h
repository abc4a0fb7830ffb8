/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_MODEL_BUILDER_H
#define PARKSCOPE_TESTS_MODEL_BUILDER_H

/* Builds model objects by hand. */

#include <stdlib.h>
#include <string.h>

#include "model/report.h"
#include "unit_test.h"

#define SECOND_NS 1000000000ULL

static inline char *build_string(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

/* Frames "function" or "function@module", leaf first, up to NULL; offset 0x10. */
static inline struct stack *build_stack(const char *first, ...)
{
	const char *text = first;
	struct stack *stack;
	size_t count = 0;
	va_list arguments;

	va_start(arguments, first);
	for (; text; text = va_arg(arguments, const char *))
		count++;
	va_end(arguments);
	stack = stack_new(count);
	assert_non_null(stack);

	text = first;
	va_start(arguments, first);
	for (size_t i = 0; i < count; i++) {
		const char *at = strchr(text, '@');
		struct frame *frame = &stack->frames[i];

		frame->kind = FRAME_USER;
		frame->offset = 0x10;
		frame->function = at ? strndup(text, (size_t)(at - text)) : build_string(text);
		frame->module = build_string(at ? at + 1 : "target");
		if (strcmp(frame->module, "kernel") == 0)
			frame->kind = FRAME_KERNEL;
		text = va_arg(arguments, const char *);
	}
	va_end(arguments);
	return stack;
}

static inline struct watched_process *build_process(uint32_t pid, const char *name)
{
	struct watched_process *process = watched_process_new(pid, pid * SECOND_NS, 0);

	assert_non_null(process);
	process->name = build_string(name);
	return process;
}

/* The site with this stack, which it takes. */
static inline struct site *build_site(struct watched_process *process, enum site_kind kind,
				      const char *reason, struct stack *stack)
{
	struct site *site = watched_process_site(process, kind, UNIT_THREAD, reason, stack);

	assert_non_null(site);
	stack_free(stack);
	return site;
}

static inline struct site *build_goroutine_site(struct watched_process *process,
						enum site_kind kind, const char *reason,
						struct stack *stack)
{
	struct site *site = watched_process_site(process, kind, UNIT_GOROUTINE, reason, stack);

	assert_non_null(site);
	stack_free(stack);
	return site;
}

/* Gives a frame the source line that Go's tables have for every frame. */
static inline void set_line(struct frame *frame, const char *file, uint32_t line)
{
	free(frame->file);
	frame->file = build_string(file);
	frame->line = line;
}

/* The crowd of the last sweep has `count` threads of that name, as the model leaves them. */
static inline void name_threads(struct site *site, const char *name, uint32_t tid, uint64_t count)
{
	char text[THREAD_NAME_SIZE] = "";

	strncpy(text, name, sizeof(text) - 1);
	for (uint64_t i = 0; i < count; i++)
		thread_names_add(&site->names, text, tid);
}

/* A sweep that finds `now` units there, of which as many arrived or left as makes the difference.
 */
static inline void sweep_site(struct site *site, uint64_t now, uint64_t age_ns, uint64_t now_ns)
{
	uint64_t before = site->crowd.now;

	crowd_begin(&site->crowd);
	for (uint64_t i = 0; i < now; i++)
		crowd_park(&site->crowd, age_ns, false, i >= before);
	for (uint64_t i = now; i < before; i++)
		crowd_leave(&site->crowd);
	crowd_end(&site->crowd, now_ns);
}

#endif
