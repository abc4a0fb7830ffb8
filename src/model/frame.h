/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_FRAME_H
#define PARKSCOPE_MODEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* One resolved frame. Strings belong to the stack that holds the frame. */
enum frame_kind {
	FRAME_USER,    /* code of the process */
	FRAME_KERNEL,  /* printed with " [k]", not part of a site's identity */
	FRAME_INLINED, /* inlined into the next frame that is not; printed with " (inlined)",
			* not part of a site's identity; has no offset */
	FRAME_LABEL,   /* no code: "[io_uring worker]", "[unknown: stack map full]" */
};

struct frame {
	char *function;   /* NULL: no name is known */
	char *module;     /* file name without directories; NULL: no mapping */
	char *build_id;   /* hex digits; NULL: none */
	char *file;       /* source file, printed without its directories; NULL: unknown */
	uint32_t line;    /* in `file`: of the instruction, or of the call to the frame before */
	uint64_t offset;  /* into the function, or into the module where that has no name */
	uint64_t address; /* as it was in the process or the kernel */
	enum frame_kind kind;
	bool guess; /* printed with " [?]" */
};

/* Leaf first. Kernel frames, if any, stand before the user frames. */
struct stack {
	size_t count;
	struct frame frames[];
};

/* A stack of `count` zeroed frames, or NULL without memory. */
struct stack *stack_new(size_t count);

/*
 * A deep copy into a frame of a stack, to which its strings then belong; false without
 * memory: what was copied belongs to the stack all the same.
 */
bool frame_copy(const struct frame *from, struct frame *to);

/* A deep copy, or NULL without memory. */
struct stack *stack_copy(const struct stack *stack);

/* A stack that is one FRAME_LABEL frame with this text, or NULL without memory. */
struct stack *stack_label(const char *text);

/*
 * Makes room for `count` zeroed frames before the frame `at`. Takes the stack and
 * returns it, moved; NULL without memory, the stack is then freed.
 */
struct stack *stack_insert(struct stack *stack, size_t at, size_t count);

/*
 * The stack with such a frame at its end; the old pointer is not to be used any
 * more. NULL without memory, and the stack is freed.
 */
struct stack *stack_append_label(struct stack *stack, const char *text);

/*
 * Whether every user frame is a function of the Go runtime: a thread that has nothing to
 * run, or a goroutine of the runtime itself. Frames of libc (cgo) do not count.
 */
bool stack_is_go_runtime(const struct stack *stack);

/* Whether the innermost user frame is one. */
bool stack_leaf_is_go_runtime(const struct stack *stack);

/* Drops all frames from `count` on. */
void stack_truncate(struct stack *stack, size_t count);

void stack_free(struct stack *stack);
define_auto_free(stack)

/*
 * Writes the frame as every format prints it: "function (file.c:12)" where the source
 * line is known (" (inlined)" behind it for inlined ones), else "function+0x1f (module)",
 * "module+0x1234", "[label]", kernel frames with " [k]", guesses with " [?]".
 * Never writes more than `size` bytes, always terminates. The text is what the
 * process says: not yet escaped for any format.
 */
void frame_print(const struct frame *frame, char *text, size_t size);

#endif
