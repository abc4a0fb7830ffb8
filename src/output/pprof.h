/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_PPROF_H
#define PARKSCOPE_OUTPUT_PPROF_H

#include "base/error.h"
#include "model/report.h"
#include "output/sink.h"

/*
 * The park sites of a report as one pprof profile (profile.proto, compressed by gzip), for `go
 * tool pprof`, Pyroscope, Parca and others. Each site is one sample with two values, goroutines and
 * threads, of which one is 0. Labels of a sample: `reason`, `site`, `created_by`, `process`,
 * `entity_id` and `pid`. Kernel frames are left out. Everything that a process says is escaped.
 */

struct pprof_config {
	const char *version; /* of the tool */
	enum shown_units units;
	bool runtime; /* the Go runtime's own goroutines, too */
};

/* 0, -ENOMEM or what sink_write() says. */
int pprof_write(const struct report *report, const struct pprof_config *config, struct sink *sink,
		struct error *error);

#endif
