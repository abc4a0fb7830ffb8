/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_BTF_SIGNATURE_H
#define PARKSCOPE_HOST_BTF_SIGNATURE_H

#include <stdbool.h>

#include <bpf/btf.h>

#include "base/error.h"

/*
 * What the kernel's own type information says of its tracepoints and types.
 * Pure functions of the BTF that they are given; never the kernel's version.
 */

struct sched_switch_layout {
	int arguments;       /* without the hidden context */
	bool has_prev_state; /* as the last argument, since 5.18 (9c2136be0878) */
};

/*
 * Reads the signature of the tracepoint sched_switch from `btf_trace_sched_switch`.
 * The two known shapes are (bool, task, task) and (bool, task, task, unsigned int).
 * Any other, for example prev_state in second place (fa2c3254d7cf, never in a
 * final release), is -ENOTSUP: nothing is guessed. -ENOENT: no such tracepoint.
 */
int btf_sched_switch_layout(const struct btf *btf, struct sched_switch_layout *layout,
			    struct error *error);

bool btf_has_struct(const struct btf *btf, const char *name);
bool btf_has_field(const struct btf *btf, const char *structure, const char *field);
bool btf_has_function(const struct btf *btf, const char *name);

#endif
