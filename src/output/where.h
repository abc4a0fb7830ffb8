/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_WHERE_H
#define PARKSCOPE_OUTPUT_WHERE_H

#include <stddef.h>

#include "model/frame.h"

/*
 * Index of the application frame: the first one that is not the kernel, the C
 * library, the dynamic linker, the C++ runtime, a bare system call wrapper, or what Go
 * programs park in: its runtime, the poller, sync, syscall, time.Sleep. Packages that
 * only read (net, os, io, bufio) are passed over as long as there is another. Never
 * an inlined one, so that it is the same with and without source lines.
 * Where there is none, the first user frame with a name, else the first frame;
 * stack->count (0) for an empty stack. Pure.
 */
size_t where_frame(const struct stack *stack);

#endif
