// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "commands/report_loop.h"
#include "output/buffer.h"
#include "output/check_line.h"
#include "output/format.h"

/* What is known of a process, as of the last report in which it lived. */
struct checked {
	uint32_t pid;
	uint64_t watched_ns;
	enum check_status status;
	const char *cut;    /* why it was not watched to the end; NULL: it was. Static */
	struct buffer name; /* see output/check_line.h */
	struct buffer text;
	struct buffer performance;
	struct buffer details;
};

struct check {
	const struct options *options;
	struct check_line_config line;
	uint64_t interval_ns; /* the longest so far */
	size_t count;
	struct checked *processes;
	enum check_status status;
};

static void check_close(struct check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		buffer_release(&check->processes[i].name);
		buffer_release(&check->processes[i].text);
		buffer_release(&check->processes[i].performance);
		buffer_release(&check->processes[i].details);
	}
	free(check->processes);
}

/* NULL: it is new, and there is no memory. */
static struct checked *checked_of(struct check *check, uint32_t pid)
{
	struct checked *grown;

	for (size_t i = 0; i < check->count; i++)
		if (check->processes[i].pid == pid)
			return &check->processes[i];
	grown = realloc(check->processes, (check->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	check->processes = grown;
	check->processes[check->count] = (struct checked){.pid = pid};
	return &check->processes[check->count++];
}

static void judge(const struct check *check, struct checked *checked,
		  const struct watched_process *process)
{
	const struct options *options = check->options;
	struct check_result result =
		check_judge(process, &options->check, &options->rules, check->interval_ns);

	buffer_clear(&checked->name);
	buffer_clear(&checked->text);
	buffer_clear(&checked->performance);
	buffer_clear(&checked->details);
	checked->status = result.status;
	checked->watched_ns = watched_process_watched_ns(process);
	check_line_name(&checked->name, process, check->line.ascii);
	check_line_process(&checked->text, process, &result, &check->line);
	check_line_performance(&checked->performance, process, &check->line);
	if (options->verbose)
		check_line_details(&checked->details, process, &check->line);
}

/* What was found until then counts; that nothing was does not. */
static void cut_short(struct checked *checked, const char *cut)
{
	checked->cut = cut;
	checked->status = check_worse(checked->status, CHECK_UNKNOWN);
}

static void add(struct buffer *to, const struct buffer *text)
{
	buffer_add(to, text->data, text->length);
	to->failed |= text->failed;
}

/* "name[4711]: ended after 12s; 8 threads..." */
static void add_process(struct buffer *line, const struct checked *checked)
{
	char watched[FORMAT_NUMBER_SIZE];

	format_seconds((double)checked->watched_ns / 1e9, watched);
	add(line, &checked->name);
	buffer_add_text(line, ": ");
	if (checked->cut)
		buffer_print(line, "%s after %s; ", checked->cut, watched);
	add(line, &checked->text);
}

static void add_details(struct buffer *output, const struct check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		const struct checked *checked = &check->processes[i];

		if (check->count > 1) {
			buffer_print(output, "%s - ", check_status_name(checked->status));
			add_process(output, checked);
			buffer_add_text(output, "\n");
		}
		add(output, &checked->details);
	}
}

/* The first of those with the worst status. */
static const struct checked *worst_of(const struct check *check)
{
	const struct checked *worst = &check->processes[0];

	for (size_t i = 1; i < check->count; i++) {
		const struct checked *checked = &check->processes[i];

		if (check_worse(worst->status, checked->status) != worst->status)
			worst = checked;
	}
	return worst;
}

static int write_line(struct check *check, struct session *session, const struct report *report,
		      struct error *error)
{
	const struct checked *worst = worst_of(check);
	cleanup(buffer_release) struct buffer output = {0};

	check->status = worst->status;
	buffer_print(&output, "PARKSCOPE %s - ", check_status_name(worst->status));
	if (check->count > 1)
		buffer_print(&output, "%zu processes, the worst: ", check->count);
	add_process(&output, worst);
	buffer_add_text(&output, " |");
	for (size_t i = 0; i < check->count; i++)
		add(&output, &check->processes[i].performance);
	buffer_add_text(&output, "\n");
	if (check->options->verbose) {
		add_details(&output, check);
		check_line_losses(&output, report->losses);
		check_line_budget(&output, &report->cost.budget);
	}
	if (output.failed)
		return error_set(error, -ENOMEM, "out of memory");
	return sink_write(session->sink, output.data, output.length, error);
}

static int take_report(struct session *session, const struct report *report, enum wake wake,
		       void *context, struct error *error)
{
	struct check *check = context;
	uint64_t interval_ns = (uint64_t)(report->cost.budget.interval_s * 1e9);

	if (check->interval_ns < interval_ns)
		check->interval_ns = interval_ns;
	for (size_t i = 0; i < report->processes_count; i++) {
		const struct watched_process *process = report->processes[i];
		struct checked *checked = checked_of(check, process->pid);

		if (!checked)
			return error_set(error, -ENOMEM, "out of memory");
		if (!process->ended || !checked->watched_ns)
			judge(check, checked, process);
		if (process->ended)
			cut_short(checked, "ended");
		else if (wake == WAKE_INTERRUPTED)
			cut_short(checked, "interrupted");
	}
	if (!report->last)
		return 0;
	if (!check->count)
		return error_set(error, -ESRCH, "there was no process to check");
	return write_line(check, session, report, error);
}

int check_run(const struct options *options, enum check_status *status, struct error *error)
{
	cleanup(check_close) struct check check = {
		.options = options,
		.interval_ns = options->interval_ns,
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
