// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/text_internal.h"

struct text *text_new(const struct text_config *config, struct sink *sink)
{
	struct text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->config = *config;
	text->sink = sink;
	text->layout.ascii = config->ascii;
	text->layout.colour = config->colour;
	text_resize(text, config->width, config->height);
	return text;
}

void text_free(struct text *text)
{
	if (!text)
		return;
	buffer_release(&text->buffer);
	free(text);
}

void text_resize(struct text *text, size_t width, size_t height)
{
	if (!width)
		width = TEXT_WIDTH_DEFAULT;
	text->layout.width = width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : width;
	text->config.height = height;
}

static void print_losses(struct text *text, const struct losses *losses, bool of_run)
{
	bool any = false;

	for (size_t i = 0; losses && i < losses->count; i++) {
		uint64_t count = of_run ? losses->items[i].total : losses->items[i].interval;
		char item[128], number[FORMAT_NUMBER_SIZE];

		if (!count)
			continue;
		if (!any) {
			layout_colour(&text->layout, COLOUR_WARNING);
			layout_text(&text->layout, "LOST");
		} else {
			layout_text(&text->layout, ",");
		}
		format_count(count, number);
		snprintf(item, sizeof(item), "%s %s", number, losses->items[i].cause);
		layout_item(&text->layout, item, any ? 1 : 2, 6);
		any = true;
	}
	if (!any)
		return;
	layout_colour(&text->layout, COLOUR_NONE);
	layout_end_line(&text->layout);
}

static void print_cost(struct text *text, const struct own_cost *cost, bool with_sweep)
{
	char item[96], number[FORMAT_NUMBER_SIZE];

	if (cost->unknown)
		return;
	layout_text(&text->layout, "COST");
	snprintf(item, sizeof(item), "cpu %.3fs", cost->cpu_seconds);
	layout_item(&text->layout, item, 2, 6);
	if (cost->bpf_seconds >= 0) {
		format_count(cost->bpf_runs, number);
		snprintf(item, sizeof(item), "bpf ~%.3fs in ~%s runs", cost->bpf_seconds, number);
		layout_item(&text->layout, item, 2, 6);
	}
	format_bytes(cost->rss_bytes, number);
	snprintf(item, sizeof(item), "rss %s", number);
	layout_item(&text->layout, item, 2, 6);
	format_bytes(cost->map_bytes, number);
	snprintf(item, sizeof(item), "maps %s", number);
	layout_item(&text->layout, item, 2, 6);
	if (cost->used_percent > 0) {
		snprintf(item, sizeof(item), "%.2f%% of a CPU (budget %g%%)", cost->used_percent,
			 cost->budget_percent);
		layout_item(&text->layout, item, 2, 6);
	}
	if (with_sweep) {
		snprintf(item, sizeof(item), "sweep %.1fms", cost->sweep_seconds * 1e3);
		layout_item(&text->layout, item, 2, 6);
	}
	layout_end_line(&text->layout);
}

/* How the kernel walked user stacks, and what the tables for it take. */
static void print_unwind_cost(struct text *text, const struct unwind_cost *cost)
{
	char item[96], number[FORMAT_NUMBER_SIZE], total[FORMAT_NUMBER_SIZE];

	if (!cost->walks)
		return;
	layout_text(&text->layout, "UNWIND");
	format_count(cost->walks, total);
	snprintf(item, sizeof(item), "%s stacks, %.2f%% whole", total,
		 100.0 * (double)cost->whole / (double)cost->walks);
	layout_item(&text->layout, item, 2, 8);
	if (cost->frames) {
		snprintf(item, sizeof(item), "%.0fns a frame",
			 cost->seconds * 1e9 / (double)cost->frames);
		layout_item(&text->layout, item, 2, 8);
	}
	snprintf(item, sizeof(item), "longest %.1fus", cost->longest_seconds * 1e6);
	layout_item(&text->layout, item, 2, 8);
	format_bytes(cost->kernel_table_bytes + cost->table_bytes, number);
	snprintf(item, sizeof(item), "tables %s", number);
	layout_item(&text->layout, item, 2, 8);
	layout_end_line(&text->layout);
}

static int print_processes(struct text *text, const struct report *report)
{
	int code = 0;

	if (!report->processes_count) {
		layout_text(&text->layout, "no process is watched");
		layout_end_line(&text->layout);
		return 0;
	}
	if (report->processes_count > 1 && !text->config.details)
		return text_overview(text, report);
	for (size_t i = 0; i < report->processes_count && !code; i++) {
		if (i)
			layout_end_line(&text->layout);
		code = text_process(text, report, report->processes[i]);
	}
	return code;
}

/* Leaves out what would scroll the screen, and says so. */
static void cut_to_height(struct text *text)
{
	size_t lines = 0, kept = 0;
	char more[64];

	for (size_t i = 0; i < text->buffer.length; i++) {
		if (text->buffer.data[i] != '\n')
			continue;
		lines++;
		/* One line for the note, one for the cursor. */
		if (lines == text->config.height - 2)
			kept = i + 1;
	}
	if (lines < text->config.height)
		return;
	snprintf(more, sizeof(more), "%s %zu more lines\n", text_ellipsis(text),
		 lines - (text->config.height - 2));
	text->buffer.length = kept;
	if (text->config.colour)
		buffer_add_text(&text->buffer, "\033[0m");
	buffer_add_text(&text->buffer, more);
}

static int write_out(struct text *text, struct error *error)
{
	if (text->buffer.failed)
		return error_set(error, -ENOMEM, "out of memory");
	return sink_write(text->sink, text->buffer.data, text->buffer.length, error);
}

int text_report(struct text *text, const struct report *report, struct error *error)
{
	char time[FORMAT_TIME_SIZE], line[FORMAT_TIME_SIZE + 48];
	int code;

	run_totals_add(&text->totals, report);
	buffer_clear(&text->buffer);
	if (text->config.redraw)
		buffer_add_text(&text->buffer, "\033[H\033[2J");
	layout_begin(&text->layout, &text->buffer);
	format_time(report->wall_ns, 0, time);
	if (report->events)
		snprintf(line, sizeof(line), "--- %s  interval %.1fs", time, report->interval_s);
	else
		snprintf(line, sizeof(line), "--- %s", time);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);

	code = print_processes(text, report);
	if (code)
		return error_set(error, code, "out of memory");
	print_losses(text, report->losses, false);
	if (text->config.verbose) {
		print_cost(text, &report->cost, true);
		print_unwind_cost(text, &report->cost.unwind);
	}
	if (text->config.redraw && text->config.height > 2)
		cut_to_height(text);
	return write_out(text, error);
}

int text_end(struct text *text, const struct run_end *end, struct error *error)
{
	char item[96], number[FORMAT_NUMBER_SIZE];
	const struct {
		uint64_t count;
		const char *one, *many;
	} totals[] = {
		{text->totals.processes, "process", "processes"},
		{text->totals.waits, "wait", "waits"},
		{text->totals.births, "birth", "births"},
		{text->totals.exits, "exit", "exits"},
		{text->totals.goroutine_births, "goroutine born", "goroutines born"},
		{text->totals.goroutine_exits, "goroutine exited", "goroutines exited"},
	};
	size_t shown = sizeof(totals) / sizeof(totals[0]);

	if (!text->config.verbose)
		return 0;
	buffer_clear(&text->buffer);
	layout_begin(&text->layout, &text->buffer);
	format_seconds(end->watched_s, number);
	snprintf(item, sizeof(item), "TOTAL  watched %s", number);
	layout_text(&text->layout, item);
	if (!text->totals.goroutine_births && !text->totals.goroutine_exits)
		shown -= 2;
	for (size_t i = 0; i < shown; i++) {
		format_count(totals[i].count, number);
		snprintf(item, sizeof(item), "%s %s", number,
			 totals[i].count == 1 ? totals[i].one : totals[i].many);
		layout_item(&text->layout, item, 2, 7);
	}
	layout_end_line(&text->layout);
	print_losses(text, end->losses, true);
	print_cost(text, end->cost, false);
	print_unwind_cost(text, &end->cost->unwind);
	return write_out(text, error);
}
