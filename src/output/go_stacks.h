/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_GO_STACKS_H
#define PARKSCOPE_OUTPUT_GO_STACKS_H

#include <stdbool.h>

#include "base/error.h"
#include "model/report.h"
#include "output/sink.h"

/*
 * Every goroutine with its stack, as Go's own /debug/pprof/goroutine?debug=2 prints them
 * (runtime/traceback.go: goroutineheader, traceback, printcreatedby), for the tools that read
 * that. A line "# NAME PID" stands before those of each process, and says why there are none;
 * such tools skip it. Arguments are always "(...)". Everything that a process says is
 * escaped.
 */

struct go_stacks_config {
	bool runtime; /* the runtime's own goroutines, too */
	/*
	 * pprof labels in the first line of a goroutine, as Go 1.27 has them: `goroutine 7
	 * [select] {path=/pay, tenant=a}:`. Older readers do not understand that line.
	 */
	bool labels;
};

/* 0, -ENOMEM or what sink_write() says. */
int go_stacks_write(const struct report *report, const struct go_stacks_config *config,
		    struct sink *sink, struct error *error);

#endif
