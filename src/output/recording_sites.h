/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_RECORDING_SITES_H
#define PARKSCOPE_OUTPUT_RECORDING_SITES_H

#include "output/buffer.h"
#include "output/recording_memory.h"

/*
 * The lines of those sites of a process of which there is something new, `elapsed_ns` after the
 * sweep before. See recording_lines_process().
 */
int recording_lines_sites(struct buffer *buffer, const struct watched_process *process,
			  uint64_t elapsed_ns, struct recorded_process *recorded,
			  uint64_t *left_out);

#endif
