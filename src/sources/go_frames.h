/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GO_FRAMES_H
#define PARKSCOPE_SOURCES_GO_FRAMES_H

/*
 * Goroutine stacks with names, as the runtime's own tracebacks show them: inlined calls
 * as calls of their own, without wrappers and without the runtime's frames (showframe()
 * in src/runtime/traceback.go).
 */

#include <stdbool.h>

#include "goruntime/go_process.h"
#include "goruntime/goroutine_stack.h"
#include "model/frame.h"

/*
 * `native`: the C frames in which the goroutine's thread is, put before it; NULL: none.
 * A stack of which nothing would be left is shown with the runtime's frames. NULL
 * without memory.
 */
struct stack *go_frames_stack(const struct go_process *go, const struct goroutine_stack *raw,
			      const struct stack *native, bool runtime_frames);

/*
 * The go statement before `gopc`, one frame: the function in whose code it is, at the
 * line where it stands. NULL without memory, or where it is the runtime's.
 */
struct stack *go_frames_creator(const struct go_process *go, uint64_t gopc);

/*
 * A thread of a Go program: its stack ends where the runtime began it, or took it from a
 * goroutine (runtime.mcall), whose frames, which are still to be seen behind, are not where
 * the thread waits. True: it was such a stack, and what is left of it is whole.
 */
bool go_frames_end_thread(struct stack *stack);

/* Whether tracebacks show a function of this name; pure. */
bool go_frames_shown(const char *function, bool leaf);

#endif
