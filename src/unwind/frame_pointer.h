/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_FRAME_POINTER_H
#define PARKSCOPE_UNWIND_FRAME_POINTER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Walks the frame pointers of a blocked thread from outside, without stopping
 * it, by the same rules as the kernel's perf_callchain_user()
 * (arch/x86/events/core.c): so a stack has the same frames, and the same id,
 * whether BPF captured it or this did. The thread may move on meanwhile: the
 * caller compares its switch counters afterwards.
 *
 * Fills `frames` leaf first and returns how many there are: at least 1, at most
 * `capacity`, which must not be 0.
 */
size_t frame_pointer_walk(pid_t pid, uint64_t ip, uint64_t bp, uint64_t *frames, size_t capacity);

#endif
