// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>

#include "base/clock.h"
#include "commands/session.h"

int dump_run(const struct options *options, struct error *error)
{
	auto_free(session) struct session *session = NULL;
	struct report report;
	int err;

	err = session_open(options, false, &session, error);
	if (err)
		return err;
	err = sources_take_report(session->sources, &report, error);
	if (err)
		return err;
	if (options->pids_count && !report.processes_count)
		return error_set(error, -ESRCH, "the process ended before parkscope could look");
	report.last = true;
	err = formatter_report(session->formatter, &report, error);
	if (!err)
		err = formatter_end(session->formatter, &report, "dump",
				    (int64_t)clock_ns(CLOCK_REALTIME), error);
	sources_end_report(session->sources);
	return err;
}
