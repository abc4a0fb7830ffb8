// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_stack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "goruntime/goroutine_sweep.h"
#include "process/process_memory.h"

enum {
	/* Most parked goroutines use less; the rest is read when the walk gets there. */
	WINDOW_SIZE = 2048,
	/* What is read of one stack at most, in windows. */
	WINDOWS_MAX = 64,
};

/* The part of the stack that was read. */
struct window {
	const struct go_process *go;
	uint64_t start, end; /* addresses; end is the first behind */
	size_t reads;
	uint8_t bytes[WINDOW_SIZE];
};

static bool load(struct window *window, uint64_t address, uint64_t stack_hi)
{
	uint64_t size = stack_hi - address < WINDOW_SIZE ? stack_hi - address : WINDOW_SIZE;
	ssize_t got;

	if (window->reads++ == WINDOWS_MAX)
		return false;
	got = process_memory_read(go_process_pid(window->go), address, window->bytes, size);
	if (got <= 0)
		return false;
	window->start = address;
	window->end = address + (uint64_t)got;
	return true;
}

static bool read_word(struct window *window, uint64_t address, uint64_t stack_hi, uint64_t *word)
{
	if (address < window->start || address + sizeof(*word) > window->end)
		if (!load(window, address, stack_hi) || address + sizeof(*word) > window->end)
			return false;
	memcpy(word, window->bytes + (address - window->start), sizeof(*word));
	return true;
}

/* A frame on its way to its caller's. */
struct position {
	uint64_t pc;
	uint64_t sp; /* when it goes on */
	uint64_t bp; /* the frame pointer, 0: the outermost frame, or not known */
	bool bp_known;
};

/* The frame's return address is in the word at `slot`, the caller's frame pointer below it. */
static enum goroutine_stack_end step_to(struct window *window, const struct goroutine *g,
					uint64_t slot, bool has_bp, struct position *position)
{
	uint64_t pc, bp = 0;

	if (slot < position->sp || slot % 8 || slot > g->stack_hi - sizeof(pc))
		return GOROUTINE_STACK_BAD_FRAME;
	if ((has_bp && !read_word(window, slot - sizeof(bp), g->stack_hi, &bp)) ||
	    !read_word(window, slot, g->stack_hi, &pc))
		return window->reads > WINDOWS_MAX ? GOROUTINE_STACK_TOO_DEEP
						   : GOROUTINE_STACK_MEMORY;
	if (!go_process_is_goexit(window->go, pc) && !go_process_has_code(window->go, pc))
		return GOROUTINE_STACK_BAD_FRAME;
	*position = (struct position){
		.pc = pc,
		.sp = slot + sizeof(pc),
		.bp = bp,
		.bp_known = has_bp,
	};
	return GOROUTINE_STACK_WHOLE;
}

/*
 * By the frame pointer, or where that is not one of this stack by the size of the frame: in
 * system calls before Go 1.23, which do not say it, and in callbacks from C, whose frame
 * pointer is that of the thread's own stack (cgocallback in src/runtime/asm_amd64.s).
 * How a frame is laid out: src/cmd/internal/obj/x86/obj6.go.
 */
static enum goroutine_stack_end step(struct window *window, const struct goroutine *g,
				     struct position *position)
{
	uint64_t size, bp = position->bp;

	if (position->bp_known && bp >= position->sp && bp <= g->stack_hi) {
		enum goroutine_stack_end end = step_to(window, g, bp + sizeof(bp), true, position);

		if (end != GOROUTINE_STACK_BAD_FRAME)
			return end;
	}
	/* As the runtime does: behind a call the frame has the size that it had before it. */
	if (go_process_frame_size(window->go, position->pc, &size) ||
	    size > g->stack_hi - position->sp)
		return GOROUTINE_STACK_BAD_FRAME;
	return step_to(window, g, position->sp + size, size >= sizeof(bp), position);
}

static enum goroutine_stack_end walk(struct window *window, const struct goroutine *g,
				     struct goroutine_stack *stack)
{
	struct position position = {
		.pc = g->pc,
		.sp = g->sp,
		.bp = g->bp,
		.bp_known = g->bp || g->status != GO_STATUS_SYSCALL,
	};

	while (position.bp || !position.bp_known) {
		enum goroutine_stack_end end = step(window, g, &position);

		if (end != GOROUTINE_STACK_WHOLE || go_process_is_goexit(window->go, position.pc))
			return end;
		if (stack->count == GOROUTINE_FRAMES_MAX)
			return GOROUTINE_STACK_TOO_DEEP;
		stack->frames[stack->count++] = position.pc;
	}
	return GOROUTINE_STACK_WHOLE;
}

static bool is_at_rest(const struct goroutine *g)
{
	return g->status != GO_STATUS_RUNNING && g->status != GO_STATUS_COPYSTACK;
}

int goroutine_stack_read(const struct go_process *go, const struct goroutine *goroutine,
			 struct goroutine_stack *stack)
{
	struct window window = {.go = go};
	struct goroutine again;

	stack->count = 0;
	stack->end = GOROUTINE_STACK_RUNNING;
	if (!is_at_rest(goroutine))
		return 0;
	if (!go_process_has_code(go, goroutine->pc)) {
		stack->end = GOROUTINE_STACK_BAD_FRAME;
		return 0;
	}
	stack->frames[stack->count++] = goroutine->pc;
	stack->end = load(&window, goroutine->sp, goroutine->stack_hi)
			     ? walk(&window, goroutine, stack)
			     : GOROUTINE_STACK_MEMORY;
	if (goroutine_read(go, goroutine->address, &again) || !goroutine_unmoved(goroutine, &again))
		return -ESTALE;
	return 0;
}
