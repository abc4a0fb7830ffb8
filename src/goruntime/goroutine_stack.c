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

/* Two words at `address`: what a frame pointer points to. */
static bool read_pair(struct window *window, uint64_t address, uint64_t stack_hi, uint64_t pair[2])
{
	const size_t size = 2 * sizeof(uint64_t);

	if ((address < window->start || address + size > window->end) &&
	    (!load(window, address, stack_hi) || address + size > window->end))
		return false;
	memcpy(pair, window->bytes + (address - window->start), size);
	return true;
}

/* A frame pointer is within the stack, aligned, and above the frames that were walked. */
static bool is_frame_pointer(const struct goroutine *g, uint64_t bp, uint64_t above)
{
	return bp % 8 == 0 && bp >= above && bp <= g->stack_hi - 2 * sizeof(uint64_t);
}

static enum goroutine_stack_end walk(struct window *window, const struct goroutine *g, uint64_t bp,
				     struct goroutine_stack *stack)
{
	uint64_t above = g->sp;

	while (bp) {
		uint64_t pair[2]; /* the caller's frame pointer, and the return address */

		if (!is_frame_pointer(g, bp, above))
			return GOROUTINE_STACK_BAD_FRAME;
		if (!read_pair(window, bp, g->stack_hi, pair))
			return GOROUTINE_STACK_MEMORY;
		if (go_process_is_goexit(window->go, pair[1]))
			return GOROUTINE_STACK_WHOLE;
		if (!go_process_has_code(window->go, pair[1]))
			return GOROUTINE_STACK_BAD_FRAME;
		if (stack->count == GOROUTINE_FRAMES_MAX)
			return GOROUTINE_STACK_TOO_DEEP;
		stack->frames[stack->count++] = pair[1];
		above = bp + 1;
		bp = pair[0];
	}
	return GOROUTINE_STACK_WHOLE;
}

/*
 * Before 1.23 a goroutine in a system call does not say its frame pointer, only where
 * entersyscall() was called. The size of that frame is in the line table: the caller's frame
 * pointer stands at its top, below the return address (cmd/internal/obj/x86/obj6.go).
 */
static uint64_t frame_pointer_of_syscall(const struct go_process *go, const struct goroutine *g)
{
	uint64_t size;

	if (go_process_frame_size(go, g->pc - 1, &size) || size < sizeof(uint64_t))
		return 0;
	return g->sp + size - sizeof(uint64_t);
}

static bool is_at_rest(const struct goroutine *g)
{
	return g->status != GO_STATUS_RUNNING && g->status != GO_STATUS_COPYSTACK;
}

int goroutine_stack_read(const struct go_process *go, const struct goroutine *goroutine,
			 struct goroutine_stack *stack)
{
	struct window window = {.go = go};
	uint64_t bp = goroutine->bp;
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
	if (!bp && goroutine->status == GO_STATUS_SYSCALL) {
		bp = frame_pointer_of_syscall(go, goroutine);
		stack->end = GOROUTINE_STACK_BAD_FRAME;
	}
	if (bp || goroutine->status != GO_STATUS_SYSCALL)
		stack->end = load(&window, goroutine->sp, goroutine->stack_hi)
				     ? walk(&window, goroutine, bp, stack)
				     : GOROUTINE_STACK_MEMORY;
	if (goroutine_read(go, goroutine->address, &again) || !goroutine_unmoved(goroutine, &again))
		return -ESTALE;
	return 0;
}
