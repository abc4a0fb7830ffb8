/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_FRAME_ROW_H
#define PARKSCOPE_UNWIND_FRAME_ROW_H

#include <stdbool.h>

#include "bpf/unwind_row.h"
#include "unwind/frame_program.h"

/*
 * The row, at pc 0, that says the same as the rules of call frame information:
 * UNWIND_CFA_UNSUPPORTED where no row does, or `rules` is NULL. Nothing is
 * guessed: what unwind_step() takes for granted is checked here.
 */
struct unwind_row frame_row(const struct frame_rules *rules, bool is_signal);

#endif
