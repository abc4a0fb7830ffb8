/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_LIMITS_H
#define PARKSCOPE_SOURCES_LIMITS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "sources/context.h"

/*
 * What processes use of what is limited, from sweep to sweep: fills `forecast` of those that were
 * named by the user or whose threads or goroutines have become more.
 */
struct limits;

/* `named`: the processes are few and were named by the user. */
int limits_open(struct sources_context *context, bool named, struct limits **limits,
		struct error *error);
void limits_free(struct limits *limits);
define_auto_free(limits)

/* After the processes of a sweep were judged. */
void limits_sweep(struct limits *limits);

#endif
