// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stack *stack_new(size_t count)
{
	struct stack *stack = calloc(1, sizeof(*stack) + count * sizeof(stack->frames[0]));

	if (stack)
		stack->count = count;
	return stack;
}

static bool copy_string(char **target, const char *text)
{
	if (!text)
		return true;
	*target = strdup(text);
	return *target != NULL;
}

bool frame_copy(const struct frame *from, struct frame *to)
{
	*to = *from;
	to->function = to->module = to->build_id = to->file = NULL;
	return copy_string(&to->function, from->function) &&
	       copy_string(&to->module, from->module) &&
	       copy_string(&to->build_id, from->build_id) && copy_string(&to->file, from->file);
}

struct stack *stack_copy(const struct stack *stack)
{
	auto_free(stack) struct stack *copy = stack_new(stack->count);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < stack->count; i++)
		if (!frame_copy(&stack->frames[i], &copy->frames[i]))
			return NULL;
	return take_ptr(copy);
}

struct stack *stack_label(const char *text)
{
	auto_free(stack) struct stack *stack = stack_new(1);

	if (!stack || !copy_string(&stack->frames[0].function, text))
		return NULL;
	stack->frames[0].kind = FRAME_LABEL;
	return take_ptr(stack);
}

struct stack *stack_insert(struct stack *given, size_t at, size_t count)
{
	auto_free(stack) struct stack *stack = given;
	size_t grown_count = stack->count + count;
	struct stack *grown =
		realloc(stack, sizeof(*stack) + grown_count * sizeof(stack->frames[0]));

	if (!grown)
		return NULL;
	stack = grown;
	memmove(&stack->frames[at + count], &stack->frames[at],
		(stack->count - at) * sizeof(stack->frames[0]));
	memset(&stack->frames[at], 0, count * sizeof(stack->frames[0]));
	stack->count = grown_count;
	return take_ptr(stack);
}

struct stack *stack_append_label(struct stack *given, const char *text)
{
	auto_free(stack) struct stack *stack = stack_insert(given, given->count, 1);
	struct frame *label;

	if (!stack)
		return NULL;
	label = &stack->frames[stack->count - 1];
	label->kind = FRAME_LABEL;
	if (!copy_string(&label->function, text))
		return NULL;
	return take_ptr(stack);
}

void stack_truncate(struct stack *stack, size_t count)
{
	for (size_t i = count; i < stack->count; i++) {
		free(stack->frames[i].function);
		free(stack->frames[i].module);
		free(stack->frames[i].build_id);
		free(stack->frames[i].file);
	}
	if (count < stack->count)
		stack->count = count;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	stack_truncate(stack, 0);
	free(stack);
}

static bool is_go_runtime_function(const char *function)
{
	/* What the runtime has in C, where cgo is used: src/runtime/cgo. */
	return strcmp(function, "_cgo_try_pthread_create") == 0 ||
	       strcmp(function, "_cgo_sys_thread_start") == 0 ||
	       strncmp(function, "x_cgo_", strlen("x_cgo_")) == 0 ||
	       strncmp(function, "runtime.", strlen("runtime.")) == 0 ||
	       strncmp(function, "runtime/internal/", strlen("runtime/internal/")) == 0 ||
	       strncmp(function, "internal/runtime/", strlen("internal/runtime/")) == 0;
}

bool stack_leaf_is_go_runtime(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (stack->frames[i].kind == FRAME_USER)
			return stack->frames[i].function &&
			       is_go_runtime_function(stack->frames[i].function);
	return false;
}

bool stack_is_go_runtime(const struct stack *stack)
{
	bool any = false;

	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->kind != FRAME_USER)
			continue;
		if (frame->function && is_go_runtime_function(frame->function))
			any = true;
		else if (!frame->module || strncmp(frame->module, "libc.", 5) != 0)
			return false;
	}
	return any;
}

static const char *without_directories(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void frame_print(const struct frame *frame, char *text, size_t size)
{
	const char *mark = frame->guess ? " [?]" : frame->kind == FRAME_INLINED ? " (inlined)" : "";

	if (frame->kind == FRAME_LABEL)
		snprintf(text, size, "%s", frame->function);
	else if (frame->kind == FRAME_KERNEL && frame->function)
		snprintf(text, size, "%s+0x%" PRIx64 " [k]", frame->function, frame->offset);
	else if (frame->kind == FRAME_KERNEL)
		snprintf(text, size, "0x%" PRIx64 " [k]", frame->address);
	else if (frame->function && frame->file)
		snprintf(text, size, "%s (%s:%" PRIu32 ")%s", frame->function,
			 without_directories(frame->file), frame->line, mark);
	else if (frame->kind == FRAME_INLINED)
		snprintf(text, size, "%s%s", frame->function, mark);
	else if (frame->function && frame->module)
		snprintf(text, size, "%s+0x%" PRIx64 " (%s)%s", frame->function, frame->offset,
			 frame->module, mark);
	else if (frame->function)
		snprintf(text, size, "%s+0x%" PRIx64 "%s", frame->function, frame->offset, mark);
	else if (frame->module)
		snprintf(text, size, "%s+0x%" PRIx64 "%s", frame->module, frame->offset, mark);
	else
		snprintf(text, size, "0x%" PRIx64 "%s", frame->address, mark);
}
