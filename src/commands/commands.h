/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_COMMANDS_H
#define PARKSCOPE_COMMANDS_COMMANDS_H

#include <stdbool.h>

#include "base/error.h"
#include "options.h"

/*
 * One function per command: 0, or a negative errno and a sentence. -EPIPE means
 * that whoever read our output has gone, which is no failure.
 */
int watch_run(const struct options *options, struct error *error);
int dump_run(const struct options *options, struct error *error);
/* Writes its line to standard output; `*status` is what to exit with. */
int check_run(const struct options *options, enum check_status *status, struct error *error);
int replay_run(const struct options *options, struct error *error);
int features_run(const struct options *options, struct error *error);

/* Sets `*differs` before anything is written, so that it holds when the reader has gone. */
int diff_run(const struct options *options, bool *differs, struct error *error);

#endif
