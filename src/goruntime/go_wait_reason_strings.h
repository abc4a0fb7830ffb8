/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_WAIT_REASON_STRINGS_H
#define PARKSCOPE_GORUNTIME_GO_WAIT_REASON_STRINGS_H

#include "goruntime/go_build_info.h"
#include "goruntime/go_wait_reason.h"
#include "process/elf_image.h"

/*
 * The reasons as a running program has them: runtime.waitReasonStrings, found by its symbol
 * and read from memory. 0, or -ENOENT: there are no symbols, or what they lead to is no list
 * of short printable strings; `reasons` is untouched then. Bounded.
 */
int go_wait_reasons_read(const struct elf_image *image, const struct go_memory *memory,
			 struct go_wait_reasons *reasons);

#endif
