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

/* Widths of the overview; comm has at most 15 bytes, pid_max is 2^22. */
enum {
	PID_WIDTH = 7,
	NAME_WIDTH = 15,
	UNITS_WIDTH = 7,
	RATE_WIDTH = 8,
	BORN_WIDTH = 5,
	OVERVIEW_WIDTH_MIN = PID_WIDTH + 1 + NAME_WIDTH + 1 + UNITS_WIDTH + 1 + RATE_WIDTH +
			     2 * (1 + BORN_WIDTH),
	/* With goroutines, what is parked matters more than who was born. */
	OVERVIEW_WIDTH_MIN_GO = OVERVIEW_WIDTH_MIN + 1 + UNITS_WIDTH + 2 * WHERE_COLUMNS_MIN,
};

enum overview_cell {
	CELL_PID,
	CELL_NAME,
	CELL_GOROUTINES,
	CELL_THREADS,
	CELL_RATE,
	CELL_BORN,
	CELL_EXITED,
	OVERVIEW_CELLS
};

/* Whether any process of the report has goroutines: else there is no column for them. */
static bool any_goroutines(const struct report *report)
{
	for (size_t i = 0; i < report->processes_count; i++)
		if (watched_process_has_goroutines(report->processes[i]))
			return true;
	return false;
}

/*
 * The largest crowd that says something of the application: in a Go program, of its
 * goroutines, then of threads that do not idle in the scheduler. NULL: nothing is parked.
 */
static const struct site *largest_site(const struct text *text,
				       const struct watched_process *process,
				       struct site *const *sites, size_t count)
{
	const struct site *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < count; i++) {
		const struct site *site = sites[i];
		int rank = 0;

		if (!site->crowd.now || !unit_is_shown(text->config.units, site->unit))
			continue;
		if (!watched_process_has_goroutines(process))
			return site;
		if (site->unit == UNIT_GOROUTINE ? !site->runtime
						 : !stack_is_go_runtime(site->stack))
			rank = site->unit == UNIT_GOROUTINE ? 2 : 1;
		if (rank > best_rank) {
			best = site;
			best_rank = rank;
		}
	}
	return best;
}

/* "120 futex do_work+0x1f (target)": the largest crowd of a process. */
static int print_largest_site(struct text *text, const struct watched_process *process)
{
	autofree struct site **sites = NULL;
	const struct site *largest;
	char item[128];
	size_t count;
	int code = report_sites(process, SITE_PARK, &sites, &count);

	if (code)
		return code;
	largest = largest_site(text, process, sites, count);
	if (!largest) {
		layout_text(&text->layout, "-");
		layout_end_line(&text->layout);
		return 0;
	}
	snprintf(item, sizeof(item), "%" PRIu64 " %s ", largest->crowd.now, largest->reason);
	/* A long reason beside a large crowd leaves nothing for WHERE. */
	if (layout_room(&text->layout, 0) < strlen(item) + WHERE_COLUMNS_MIN / 2) {
		layout_end_line(&text->layout);
		layout_tab(&text->layout, PID_WIDTH + 1);
	}
	layout_text(&text->layout, item);
	text_where(text, largest->stack, true);
	return 0;
}

static void print_overview_cells(struct text *text, bool events, bool goroutines,
				 const char *const cells[OVERVIEW_CELLS])
{
	struct layout *layout = &text->layout;
	size_t whole = goroutines ? OVERVIEW_WIDTH_MIN_GO : OVERVIEW_WIDTH_MIN;
	/* A narrow line has no room for births and exits; the rate stays. */
	size_t end = layout->width < whole ? CELL_BORN : OVERVIEW_CELLS;

	layout_right(layout, cells[CELL_PID], PID_WIDTH);
	layout_text(layout, " ");
	layout_hostile(layout, cells[CELL_NAME], NAME_WIDTH);
	layout_tab(layout, PID_WIDTH + 1 + NAME_WIDTH);
	for (size_t i = goroutines ? CELL_GOROUTINES : CELL_THREADS; i <= CELL_THREADS; i++) {
		layout_text(layout, " ");
		layout_right(layout, cells[i], UNITS_WIDTH);
	}
	for (size_t i = CELL_RATE; i < end && events; i++) {
		layout_text(layout, " ");
		layout_right(layout, cells[i], i == CELL_RATE ? RATE_WIDTH : BORN_WIDTH);
	}
	if (layout->column + WHERE_COLUMNS_MIN > layout->width) {
		layout_end_line(layout);
		layout_tab(layout, PID_WIDTH + 1);
	} else {
		layout_text(layout, "  ");
	}
}

static int print_overview_row(struct text *text, const struct report *report, bool goroutines,
			      const struct watched_process *process)
{
	const struct unit_count *leading = report_leading_unit(process) == UNIT_GOROUTINE
						   ? &process->goroutines
						   : &process->threads;
	double rate = leading->rate_per_minute;
	char numbers[OVERVIEW_CELLS][FORMAT_NUMBER_SIZE];
	const char *cells[OVERVIEW_CELLS];

	for (size_t i = 0; i < OVERVIEW_CELLS; i++)
		cells[i] = numbers[i];
	cells[CELL_NAME] = process->name ? process->name : "[unknown]";
	snprintf(numbers[CELL_PID], FORMAT_NUMBER_SIZE, "%" PRIu32, process->pid);
	text_cell(watched_process_has_goroutines(process) ? process->goroutines.now : 0,
		  numbers[CELL_GOROUTINES]);
	text_cell(process->threads.now, numbers[CELL_THREADS]);
	if (rate >= 0.05 || rate <= -0.05)
		snprintf(numbers[CELL_RATE], FORMAT_NUMBER_SIZE, "%+.1f", rate);
	else
		strcpy(numbers[CELL_RATE], "-");
	text_cell(leading->born - leading->reported.born, numbers[CELL_BORN]);
	text_cell(leading->exited - leading->reported.exited, numbers[CELL_EXITED]);
	print_overview_cells(text, report->events, goroutines, cells);
	return print_largest_site(text, process);
}

/* "... and 2 more processes, 1,234 threads" */
static void print_more_processes(struct text *text, const struct report *report, size_t shown)
{
	size_t more = report->processes_count - shown;
	char line[160], number[FORMAT_NUMBER_SIZE];
	uint64_t threads = 0, goroutines = 0;
	int length;

	for (size_t i = shown; i < report->processes_count; i++) {
		threads += report->processes[i]->threads.now;
		goroutines += report->processes[i]->goroutines.now;
	}
	format_count(threads, number);
	length = snprintf(line, sizeof(line), "%s and %zu more process%s, %s thread%s",
			  text_ellipsis(text), more, more == 1 ? "" : "es", number,
			  threads == 1 ? "" : "s");
	if (goroutines) {
		format_count(goroutines, number);
		snprintf(line + length, sizeof(line) - (size_t)length, ", %s goroutine%s", number,
			 goroutines == 1 ? "" : "s");
	}
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

static int print_overview(struct text *text, const struct report *report)
{
	static const char *const titles[OVERVIEW_CELLS] = {"PID",   "NAME", "GOROUT", "THREADS",
							   "+/MIN", "BORN", "EXIT"};
	size_t shown = text_top(text, report->processes_count);
	bool goroutines = any_goroutines(report);

	layout_colour(&text->layout, COLOUR_HEAD);
	print_overview_cells(text, report->events, goroutines, titles);
	layout_text(&text->layout, "MOST PARKED AT");
	layout_colour(&text->layout, COLOUR_NONE);
	layout_end_line(&text->layout);
	for (size_t i = 0; i < shown; i++) {
		int code = print_overview_row(text, report, goroutines, report->processes[i]);

		if (code)
			return code;
	}
	if (shown < report->processes_count)
		print_more_processes(text, report, shown);
	return 0;
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

	layout_text(&text->layout, "COST");
	snprintf(item, sizeof(item), "cpu %.3fs", cost->cpu_seconds);
	layout_item(&text->layout, item, 2, 6);
	if (cost->bpf_seconds >= 0) {
		format_count(cost->bpf_runs, number);
		snprintf(item, sizeof(item), "bpf %.3fs in %s runs", cost->bpf_seconds, number);
		layout_item(&text->layout, item, 2, 6);
	}
	format_bytes(cost->rss_bytes, number);
	snprintf(item, sizeof(item), "rss %s", number);
	layout_item(&text->layout, item, 2, 6);
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
		return print_overview(text, report);
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
