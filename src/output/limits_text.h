/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_LIMITS_TEXT_H
#define PARKSCOPE_OUTPUT_LIMITS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/watched_process.h"

/* What a process that is not steady uses of what is limited, and when it will have used it up. */

#define LIMITS_TEXT_SIZE 160

/*
 * "OOM in 3h10m": the limit that is met first, of those that the process itself uses up. False:
 * none, or the process is steady.
 */
bool limits_text_headline(const struct watched_process *process, char text[LIMITS_TEXT_SIZE]);

/*
 * Item number `index`, from 0: "rss 142.0 MiB (+31.0 MiB/min, 65.2 KiB a goroutine)", then, for
 * each limit that will be met, "memory.max 256.0 MiB: 142.0 MiB used, met in 3m2s", and
 * ", mostly not its rss" where the process has next to no part in that. False: there are no more.
 */
bool limits_text_item(const struct watched_process *process, size_t index,
		      char text[LIMITS_TEXT_SIZE]);

#endif
