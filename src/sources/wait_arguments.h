/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_WAIT_ARGUMENTS_H
#define PARKSCOPE_SOURCES_WAIT_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"

/* What the arguments of its system call say of a wait that only another thread ends. Pure. */
struct wait_arguments {
	bool timed;     /* it has a timeout, too */
	uint64_t futex; /* address of the word that it waits for; 0: none, or several */
};

struct wait_arguments wait_arguments_of(const struct abi_task_snapshot *snapshot);

#endif
