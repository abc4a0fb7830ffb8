// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "commands/report_loop.h"
#include "output/buffer.h"
#include "output/check_line.h"

/* What was found so far: of processes that have ended, and at the end of all. */
struct check {
	const struct options *options;
	struct check_line_config line;
	size_t processes;
	enum check_status status;
	struct buffer worst; /* what is said of the worst process */
	struct buffer performance;
	struct buffer details;
	struct buffer output;
};

static void check_close(struct check *check)
{
	buffer_release(&check->worst);
	buffer_release(&check->performance);
	buffer_release(&check->details);
	buffer_release(&check->output);
}

/* `cut`: why it was not watched to the end; NULL: it was. */
static void take_process(struct check *check, const struct watched_process *process,
			 const char *cut)
{
	const struct options *options = check->options;
	struct check_result result =
		check_judge(process, &options->check, &options->rules, options->interval_ns);
	struct buffer text = {0};

	if (cut && result.status == CHECK_OK)
		result.status = CHECK_UNKNOWN;
	check_line_process(&text, process, &result, &check->line);
	if (cut)
		buffer_print(&text, "; %s", cut);
	check_line_performance(&check->performance, process, &check->line);
	if (options->pids_count > 1)
		buffer_print(&check->details, "%s - %.*s\n", check_status_name(result.status),
			     (int)text.length, text.data);
	check_line_details(&check->details, process, &check->line);

	check->processes++;
	check->worst.failed |= text.failed;
	if (check->processes == 1 || check_worse(check->status, result.status) != check->status) {
		check->status = result.status;
		buffer_clear(&check->worst);
		buffer_add(&check->worst, text.data, text.length);
	}
	buffer_release(&text);
}

static int write_line(struct check *check, struct session *session, const struct report *report,
		      struct error *error)
{
	struct buffer *output = &check->output;

	buffer_print(output, "PARKSCOPE %s - ", check_status_name(check->status));
	if (check->options->pids_count > 1)
		buffer_print(output, "%zu processes, the worst: ", check->options->pids_count);
	buffer_add(output, check->worst.data, check->worst.length);
	buffer_add_text(output, " | ");
	buffer_add(output, check->performance.data, check->performance.length);
	buffer_add_text(output, "\n");
	if (check->options->verbose) {
		buffer_add(output, check->details.data, check->details.length);
		check_line_losses(output, report->losses);
	}
	if (output->failed || check->worst.failed || check->performance.failed ||
	    check->details.failed)
		return error_set(error, -ENOMEM, "out of memory");
	return sink_write(session->sink, output->data, output->length, error);
}

static int take_report(struct session *session, const struct report *report, enum wake wake,
		       void *context, struct error *error)
{
	const char *cut = wake == WAKE_INTERRUPTED ? "interrupted" : NULL;
	struct check *check = context;

	for (size_t i = 0; i < report->processes_count; i++) {
		const struct watched_process *process = report->processes[i];

		if (process->ended)
			take_process(check, process, "it has ended");
		else if (report->last)
			take_process(check, process, cut);
	}
	return report->last ? write_line(check, session, report, error) : 0;
}

int check_run(const struct options *options, enum check_status *status, struct error *error)
{
	cleanup(check_close) struct check check = {
		.options = options,
		.line = {.rules = &options->check, .by_pid = options->pids_count > 1},
	};
	const struct report_handler handler = {.report = take_report, .context = &check};
	int err;

	setlocale(LC_CTYPE, "");
	check.line.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	err = report_loop_run(options, &handler, error);
	if (!err)
		*status = check.status;
	return err;
}
