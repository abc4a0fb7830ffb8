// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
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

static int end_recording(struct recording *recording, const char *reason, int64_t wall_ns,
			 struct error *error)
{
	uint64_t left_out = recording_left_out(recording);

	if (left_out)
		fprintf(stderr,
			"parkscope: the recording lacks %" PRIu64
			" sites: their stacks are too long\n",
			left_out);
	return recording_end(recording, reason, wall_ns, error);
}

static int write_report(struct session *session, const struct report *report, enum wake wake,
			void *context, struct error *error)
{
	int64_t end_ns;
	int err = 0;

	(void)context;
	/* First, so that it is there when whoever reads the reports has gone. */
	if (session->recording)
		err = recording_sweep(session->recording, report, true, error);
	if (!err)
		err = formatter_report(session->formatter, report, error);
	if (err || !report->last)
		return err;
	end_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	if (session->recording)
		err = end_recording(session->recording, end_reason(wake), end_ns, error);
	return err ? err
		   : formatter_end(session->formatter, report, end_reason(wake), end_ns, error);
}

int watch_run(const struct options *options, struct error *error)
{
	const struct report_handler handler = {.report = write_report};

	return report_loop_run(options, &handler, error);
}
