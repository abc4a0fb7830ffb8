/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_RECORDING_H
#define PARKSCOPE_INPUT_RECORDING_H

#include "base/cleanup.h"
#include "base/error.h"
#include "model/recording.h"

/*
 * `--replay FILE`: what `watch --record FILE` wrote goes through the model again. The file may be
 * hostile: what it makes of memory and time is bounded by its length and by the limits below.
 */
struct replay;

#define REPLAY_PROCESSES_MAX   65536 /* at one time */
#define REPLAY_SITES_MAX       262144
#define REPLAY_STACK_BYTES_MAX ((size_t)256 << 20)

/*
 * Opens it, plain or compressed by gzip, and reads its start. -EBADMSG: it is no recording, or of
 * a newer parkscope. Errors name the file.
 */
int replay_open(const char *path, struct replay **replay, struct error *error);

/* The same of a file that is open, which stays the caller's. */
int replay_new(FILE *file, struct replay **replay, struct error *error);
void replay_free(struct replay *replay);
define_auto_free(replay)

const struct recording_start *replay_start(const struct replay *replay);

/*
 * Until the next report: 1, and the report with all it points to is valid until
 * replay_end_report(); 0: the recording has ended. -EBADMSG: it is damaged, or cut; -E2BIG: it is
 * beyond the limits; -ENOMEM; or why it cannot be read. The error says in which line.
 */
int replay_next(struct replay *replay, const struct verdict_rules *rules, struct report *report,
		struct error *error);
void replay_end_report(struct replay *replay);

/* Why and when the run ended, after replay_next() has returned 0. */
const char *replay_end_reason(const struct replay *replay);
int64_t replay_end_wall_ns(const struct replay *replay);

#endif
