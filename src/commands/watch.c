// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"
#include "commands/report_loop.h"

static const char *end_reason(enum wake wake)
{
	switch (wake) {
	case WAKE_DURATION:
		return "duration";
	case WAKE_INTERRUPTED:
		return "interrupted";
	case WAKE_PROCESS_ENDED:
		return "process_ended";
	default:
		return "count";
	}
}

static int write_report(struct session *session, const struct report *report, enum wake wake,
			void *context, struct error *error)
{
	int err = formatter_report(session->formatter, report, error);

	(void)context;
	if (err || !report->last)
		return err;
	return formatter_end(session->formatter, report, end_reason(wake), error);
}

int watch_run(const struct options *options, struct error *error)
{
	const struct report_handler handler = {.report = write_report};

	return report_loop_run(options, &handler, error);
}
