/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_FORMATTER_H
#define PARKSCOPE_COMMANDS_FORMATTER_H

#include "base/cleanup.h"
#include "base/error.h"
#include "host/features.h"
#include "model/report.h"
#include "options.h"
#include "output/sink.h"

/* The format that the user chose, behind one interface. */
struct formatter;

/* All arguments must outlive the formatter. */
int formatter_new(const struct options *options, const struct host_features *features,
		  struct sink *sink, struct formatter **formatter, struct error *error);
void formatter_free(struct formatter *formatter);
define_auto_free(formatter)

int formatter_start(struct formatter *formatter, struct error *error);
int formatter_report(struct formatter *formatter, const struct report *report, struct error *error);

/* `reason`: why the run ends, as in output/run.h. `last` is the last report. */
int formatter_end(struct formatter *formatter, const struct report *last, const char *reason,
		  struct error *error);

#endif
