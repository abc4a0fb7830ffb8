// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/go_frames.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

#define RUNTIME_PREFIX "runtime."

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* isExportedRuntime(): "runtime.Gosched", and methods of exported types, "runtime.(*Func).Name". */
static bool is_exported_by_runtime(const char *function)
{
	const char *name = function + strlen(RUNTIME_PREFIX);

	if (starts_with(name, "(*"))
		name += strlen("(*");
	return isupper((unsigned char)*name);
}

bool go_frames_shown(const char *function, bool leaf)
{
	/* The boundary between ordinary code and the deferred code that a panic runs. */
	if (strcmp(function, "runtime.gopanic") == 0)
		return !leaf;
	if (!strchr(function, '.'))
		return false;
	return !starts_with(function, RUNTIME_PREFIX) || is_exported_by_runtime(function);
}

/* Written in assembly; ELF symbols name their ABI, too: "runtime.mcall.abi0". */
static bool begins_thread(const char *function)
{
	static const char *const names[] = {"runtime.mcall", "runtime.mstart", "runtime.rt0_go",
					    "runtime.goexit"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length = strlen(names[i]);

		if (strncmp(function, names[i], length) == 0 &&
		    (!function[length] || strcmp(function + length, ".abi0") == 0))
			return true;
	}
	return false;
}

bool go_frames_end_thread(struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->kind != FRAME_USER || !frame->function ||
		    !begins_thread(frame->function))
			continue;
		stack_truncate(stack, i + 1);
		return true;
	}
	return false;
}

static char *copy(const char *text)
{
	return *text ? strdup(text) : NULL;
}

static struct stack *append_call(struct stack *given, const struct go_process *go,
				 const struct go_call *call, uint64_t address)
{
	auto_free(stack) struct stack *stack = stack_insert(given, given->count, 1);
	bool panic = strcmp(call->function, "runtime.gopanic") == 0;
	struct frame *frame;

	if (!stack)
		return NULL;
	frame = &stack->frames[stack->count - 1];
	frame->kind = FRAME_USER;
	frame->function = copy(panic ? "panic" : call->function);
	frame->file = copy(call->file);
	frame->line = call->line;
	frame->module = copy(go_process_module(go));
	frame->address = address;
	frame->offset = address - call->entry;
	if (!frame->function || !frame->module || (*call->file && !frame->file))
		return NULL;
	return take_ptr(stack);
}

/* Code without a function in the table: C, or what a lying process has there. */
static struct stack *append_address(struct stack *given, uint64_t address)
{
	struct stack *stack = stack_insert(given, given->count, 1);

	if (stack)
		stack->frames[stack->count - 1].address = address;
	return stack;
}

static struct stack *append_native(struct stack *given, const struct frame *native)
{
	auto_free(stack) struct stack *stack = stack_insert(given, given->count, 1);

	if (!stack || !frame_copy(native, &stack->frames[stack->count - 1]))
		return NULL;
	return take_ptr(stack);
}

/* The C frames of a thread, up to where Go called C. */
static struct stack *native_frames(const struct go_process *go, const struct stack *native)
{
	struct go_call call;
	struct stack *stack = stack_new(0);

	for (size_t i = 0; native && stack && i < native->count; i++) {
		const struct frame *frame = &native->frames[i];

		if (frame->kind == FRAME_KERNEL)
			continue;
		if (frame->kind == FRAME_LABEL ||
		    go_process_find_calls(go, frame->address - 1, &call, 1))
			break;
		stack = append_native(stack, frame);
	}
	return stack;
}

/* The walk from frame to frame. */
struct naming {
	const struct go_process *go;
	bool all;         /* nothing is hidden */
	bool leaf;        /* no frame was before this one */
	bool interrupted; /* the frame before was put in by a signal: this is no call */
};

/*
 * All addresses are return addresses, also where it stands: of the call into the scheduler.
 * Not so that of a goroutine that has never run, at a function's entry, and of one that a
 * signal has stopped (asyncPreempt, sigpanic).
 */
static size_t find_calls(const struct naming *naming, uint64_t address,
			 struct go_call calls[GO_INLINE_DEPTH_MAX])
{
	size_t count;

	if (naming->leaf || naming->interrupted) {
		count = go_process_find_calls(naming->go, address, calls, GO_INLINE_DEPTH_MAX);
		if (naming->interrupted || (count && calls[count - 1].entry == address))
			return count;
	}
	return go_process_find_calls(naming->go, address - 1, calls, GO_INLINE_DEPTH_MAX);
}

static bool is_put_in_by_signal(const char *function)
{
	return strcmp(function, "runtime.asyncPreempt") == 0 ||
	       strcmp(function, "runtime.sigpanic") == 0;
}

static struct stack *append_frame(struct stack *stack, struct naming *naming, uint64_t address)
{
	struct go_call calls[GO_INLINE_DEPTH_MAX];
	size_t count = find_calls(naming, address, calls);

	naming->interrupted = count && is_put_in_by_signal(calls[count - 1].function);
	if (!count)
		stack = append_address(stack, address);
	for (size_t i = 0; i < count && stack; i++) {
		bool leaf = naming->leaf && i == 0;
		bool shown = !calls[i].wrapper && go_frames_shown(calls[i].function, leaf);

		if (naming->all || shown)
			stack = append_call(stack, naming->go, &calls[i], address);
	}
	naming->leaf = false;
	return stack;
}

static const char *cut_label(enum goroutine_stack_end end)
{
	switch (end) {
	case GOROUTINE_STACK_MEMORY:
		return "[cut: stack memory not readable]";
	case GOROUTINE_STACK_BAD_FRAME:
		return "[cut: no frame pointer]";
	case GOROUTINE_STACK_TOO_DEEP:
		return "[cut: the stack is too deep]";
	case GOROUTINE_STACK_RUNNING:
		return "[unknown: the goroutine runs]";
	default:
		return NULL;
	}
}

static struct stack *name_stack(const struct go_process *go, const struct goroutine_stack *raw,
				const struct stack *native, bool all)
{
	struct stack *stack = native_frames(go, native);
	struct naming naming = {.go = go, .all = all, .leaf = true};
	const char *label = cut_label(raw->end);

	for (size_t i = 0; i < raw->count && stack; i++)
		stack = append_frame(stack, &naming, raw->frames[i]);
	return stack && label ? stack_append_label(stack, label) : stack;
}

struct stack *go_frames_stack(const struct go_process *go, const struct goroutine_stack *raw,
			      const struct stack *native, bool runtime_frames)
{
	struct stack *stack = name_stack(go, raw, native, runtime_frames);

	if (!stack || stack->count || runtime_frames)
		return stack;
	stack_free(stack);
	return name_stack(go, raw, native, true);
}

struct stack *go_frames_creator(const struct go_process *go, uint64_t gopc)
{
	struct go_call calls[GO_INLINE_DEPTH_MAX];
	size_t count = gopc ? go_process_find_calls(go, gopc - 1, calls, GO_INLINE_DEPTH_MAX) : 0;
	struct go_call creator;
	struct stack *stack;

	if (!count || !go_frames_shown(calls[count - 1].function, false))
		return NULL;
	/* As printcreatedby() does: the physical function, with the innermost line. */
	creator = calls[count - 1];
	memcpy(creator.file, calls[0].file, sizeof(creator.file));
	creator.line = calls[0].line;
	stack = stack_new(0);
	return stack ? append_call(stack, go, &creator, gopc) : NULL;
}
