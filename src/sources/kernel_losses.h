/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_KERNEL_LOSSES_H
#define PARKSCOPE_SOURCES_KERNEL_LOSSES_H

#include <stdbool.h>

#include "host/tracer.h"
#include "model/loss.h"

/*
 * Adds what the BPF programs and the kernel counted as lost. True: the stack
 * map was full since the last call and wants to be drained.
 */
bool kernel_losses_collect(const struct tracer *tracer, struct losses *losses);

#endif
