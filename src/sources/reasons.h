/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_REASONS_H
#define PARKSCOPE_SOURCES_REASONS_H

#include <stdint.h>

#include "bpf/abi.h"

/*
 * The reasons of thread waits: their names, and which system calls mean which.
 * The names are the closed list that doc/schema.json has.
 */

/* Static, snake_case; "other" for a number that is not one. */
const char *reason_name(uint32_t reason);

/* ABI_SYSCALLS_MAX entries for the BPF side: x86-64's own calls, and its 32-bit ones. */
const uint8_t *reasons_by_syscall(void);
const uint8_t *reasons_by_compat_syscall(void);

/*
 * The reason of a wait that restart_syscall(2) continues and whose beginning was
 * not seen: by the name of a kernel function on its stack. REASON_NONE: that
 * function does not tell.
 */
uint32_t reason_of_kernel_function(const char *name);

#endif
