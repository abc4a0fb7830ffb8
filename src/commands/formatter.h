/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_FORMATTER_H
#define PARKSCOPE_COMMANDS_FORMATTER_H

#include "base/cleanup.h"
#include "base/error.h"
#include "commands/run_identity.h"
#include "host/features.h"
#include "model/report.h"
#include "options.h"
#include "output/sink.h"

/* The format that the user chose, behind one interface. */
struct formatter;

/* All arguments must outlive the formatter. */
int formatter_new(const struct options *options, const struct host_features *features,
		  const struct run_identity *identity, struct sink *sink,
		  struct formatter **formatter, struct error *error);
void formatter_free(struct formatter *formatter);
define_auto_free(formatter)

/* `wall_ns`: when the run began, Unix time. */
int formatter_start(struct formatter *formatter, int64_t wall_ns, struct error *error);
int formatter_report(struct formatter *formatter, const struct report *report, struct error *error);

/* `reason`: why the run ends, as in output/run.h. `last` is the last report. */
int formatter_end(struct formatter *formatter, const struct report *last, const char *reason,
		  int64_t wall_ns, struct error *error);

#endif
