/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_WAIT_REASON_H
#define PARKSCOPE_GORUNTIME_GO_WAIT_REASON_H

/*
 * Why goroutines wait. The runtime's numbers change with the version (1.26 moved most
 * of them), its strings nearly never: "chan send" is `chan_send` here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/go_version.h"

enum {
	GO_WAIT_REASONS_MAX = 64,
	GO_WAIT_REASON_SIZE = 48,
};

/* runtime.waitReasonStrings. */
struct go_wait_reasons {
	size_t count;
	char texts[GO_WAIT_REASONS_MAX][GO_WAIT_REASON_SIZE]; /* "chan send" */
};

/* By version; count 0 where the version is not known. */
void go_wait_reasons_of_version(const struct go_version *version, struct go_wait_reasons *reasons);

/*
 * The closed list of reasons in snake_case that parkscope prints (doc/schema.json):
 * static; "other" for a text that is not known. "semacquire" stays "semacquire".
 */
const char *go_wait_reason_name(const char *text);

/* Whether who waits for this, by that name, is queued at a semaphore (go_semaphores.h). */
bool go_wait_reason_is_semaphore(const char *name);

/* That list, each name once: its length, and the names, static. */
size_t go_wait_reason_names(const char *const **names);

#endif
