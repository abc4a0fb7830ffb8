/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GOROUTINE_STACK_H
#define PARKSCOPE_GORUNTIME_GOROUTINE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"

enum {
	GOROUTINE_FRAMES_MAX = 512,
};

enum goroutine_stack_end {
	GOROUTINE_STACK_WHOLE,     /* ends in runtime.goexit or at a frame pointer of 0 */
	GOROUTINE_STACK_RUNNING,   /* it runs: nothing can be read */
	GOROUTINE_STACK_MEMORY,    /* not readable */
	GOROUTINE_STACK_BAD_FRAME, /* a frame pointer that leads nowhere */
	GOROUTINE_STACK_TOO_DEEP,  /* more frames than GOROUTINE_FRAMES_MAX, or very large ones */
};

struct goroutine_stack {
	enum goroutine_stack_end end;
	size_t count;
	/* Leaf first: where it stands, then return addresses; without runtime.goexit. */
	uint64_t frames[GOROUTINE_FRAMES_MAX];
};

/*
 * Walks the frames of a goroutine that does not run, by frame pointers mostly, in one or few reads
 * of bounded size, and reads its header again. 0; -ESTALE: it moved meanwhile, what was read must
 * not be used. A stack that ends early is 0 with its `end`.
 */
int goroutine_stack_read(const struct go_process *go, const struct goroutine *goroutine,
			 struct goroutine_stack *stack);

#endif
