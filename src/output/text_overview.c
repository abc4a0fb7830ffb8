// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/text_internal.h"
#include "output/text_verdict.h"
#include "output/where.h"

/* Widths of the overview; comm has at most 15 bytes, pid_max is 2^22. */
enum {
	PID_WIDTH = 7,
	NAME_WIDTH = 15,
	VERDICT_WIDTH = 7,
	UNITS_WIDTH = 7,
	RATE_WIDTH = 8,
	BORN_WIDTH = 5,
	OVERVIEW_WIDTH_MIN = PID_WIDTH + 1 + NAME_WIDTH + 1 + UNITS_WIDTH + 1 + RATE_WIDTH +
			     2 * (1 + BORN_WIDTH),
};

enum overview_cell {
	CELL_PID,
	CELL_NAME,
	CELL_VERDICT,
	CELL_GOROUTINES,
	CELL_THREADS,
	CELL_RATE,
	CELL_BORN,
	CELL_EXITED,
	OVERVIEW_CELLS
};

static const char *name_of(const struct watched_process *process)
{
	return process->name ? process->name : "[unknown]";
}

/* The columns that there are only where a process has something to say in them. */
struct overview {
	bool events;
	bool verdicts;
	bool goroutines;
	size_t pid_width, name_width;
};

static size_t greater(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Where there are verdicts, the place beside them needs every column that others do not. */
static void fit_widths(struct overview *overview, const struct report *report, size_t shown)
{
	overview->pid_width = strlen("PID") + 2;
	overview->name_width = strlen("NAME");
	for (size_t i = 0; i < shown; i++) {
		const struct watched_process *process = report->processes[i];
		char pid[FORMAT_NUMBER_SIZE];

		snprintf(pid, sizeof(pid), "%" PRIu32, process->pid);
		overview->pid_width = greater(overview->pid_width, strlen(pid));
		overview->name_width = greater(overview->name_width, strlen(name_of(process)));
	}
	if (overview->name_width > NAME_WIDTH)
		overview->name_width = NAME_WIDTH;
}

static struct overview overview_of(const struct report *report, size_t shown)
{
	struct overview overview = {
		.events = report->events,
		.pid_width = PID_WIDTH,
		.name_width = NAME_WIDTH,
	};

	for (size_t i = 0; i < report->processes_count; i++) {
		const struct watched_process *process = report->processes[i];

		overview.verdicts |= report->events && process->verdict != VERDICT_STEADY;
		overview.goroutines |= watched_process_has_goroutines(process);
	}
	if (overview.verdicts)
		fit_widths(&overview, report, shown);
	return overview;
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

/* Of a process that is not steady what is wrong, where that is a place where units park. */
static const struct site *worst_site(const struct text *text, const struct report *report,
				     const struct watched_process *process)
{
	const struct site *worst = report->events ? report_worst_site(process) : NULL;

	return worst && text_has_block(text, process, worst) ? worst : NULL;
}

static size_t whole_columns(const struct stack *stack)
{
	const struct frame *frame = stack->count ? &stack->frames[where_frame(stack)] : NULL;

	return frame && frame->function ? escape_columns(frame->function) : WHERE_COLUMNS_MIN / 2;
}

/* "120 futex do_work+0x1f (target)": the worst or the largest crowd of a process. */
static int print_crowd(struct text *text, const struct report *report,
		       const struct overview *overview, const struct watched_process *process)
{
	const struct site *wrong = worst_site(text, report, process), *shown = wrong;
	autofree struct site **sites = NULL;
	char item[128];
	size_t count;
	int code = report_sites(process, SITE_PARK, &sites, &count);

	if (code)
		return code;
	if (!shown)
		shown = largest_site(text, process, sites, count);
	if (!shown) {
		layout_text(&text->layout, "-");
		layout_end_line(&text->layout);
		return 0;
	}
	snprintf(item, sizeof(item), "%" PRIu64 " %s ", shown->crowd.now, shown->reason);
	/* A long reason beside a large crowd leaves nothing for WHERE; what is wrong is not cut. */
	if (layout_room(&text->layout, 0) <
	    strlen(item) + (wrong ? whole_columns(shown->stack) : WHERE_COLUMNS_MIN / 2)) {
		layout_end_line(&text->layout);
		layout_tab(&text->layout, overview->pid_width + 1);
	}
	layout_text(&text->layout, item);
	text_where(text, shown->stack, true);
	return 0;
}

/*
 * A narrow line has no room for births and exits, or not even for the rate: what is wrong and what
 * is parked matter more.
 */
static enum overview_cell end_cell(const struct text *text, const struct overview *overview)
{
	size_t columns = OVERVIEW_WIDTH_MIN, wanted;

	if (overview->verdicts)
		columns += 1 + VERDICT_WIDTH;
	if (overview->goroutines)
		columns += 1 + UNITS_WIDTH;
	wanted = columns + (overview->verdicts || overview->goroutines ? 2 * WHERE_COLUMNS_MIN : 0);
	if (text->layout.width >= wanted)
		return OVERVIEW_CELLS;
	return text->layout.width >= columns - 2 * (1 + BORN_WIDTH) ? CELL_BORN : CELL_RATE;
}

static void print_overview_cells(struct text *text, const struct overview *overview,
				 const char *const cells[OVERVIEW_CELLS])
{
	struct layout *layout = &text->layout;
	enum overview_cell end = end_cell(text, overview);

	layout_right(layout, cells[CELL_PID], overview->pid_width);
	layout_text(layout, " ");
	layout_hostile(layout, cells[CELL_NAME], overview->name_width);
	layout_tab(layout, overview->pid_width + 1 + overview->name_width);
	if (overview->verdicts) {
		layout_text(layout, " ");
		layout_text(layout, cells[CELL_VERDICT]);
		layout_tab(layout,
			   overview->pid_width + 1 + overview->name_width + 1 + VERDICT_WIDTH);
	}
	for (size_t i = overview->goroutines ? CELL_GOROUTINES : CELL_THREADS; i <= CELL_THREADS;
	     i++) {
		layout_text(layout, " ");
		layout_right(layout, cells[i], UNITS_WIDTH);
	}
	for (size_t i = CELL_RATE; i < end && overview->events; i++) {
		layout_text(layout, " ");
		layout_right(layout, cells[i], i == CELL_RATE ? RATE_WIDTH : BORN_WIDTH);
	}
	if (layout->column + WHERE_COLUMNS_MIN > layout->width) {
		layout_end_line(layout);
		layout_tab(layout, overview->pid_width + 1);
	} else {
		layout_text(layout, "  ");
	}
}

static int print_overview_row(struct text *text, const struct report *report,
			      const struct overview *overview,
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
	cells[CELL_NAME] = name_of(process);
	cells[CELL_VERDICT] = text_verdict_word(process->verdict);
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
	print_overview_cells(text, overview, cells);
	return print_crowd(text, report, overview, process);
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

int text_overview(struct text *text, const struct report *report)
{
	static const char *const titles[OVERVIEW_CELLS] = {"PID",     "NAME",  "VERDICT", "GOROUT",
							   "THREADS", "+/MIN", "BORN",    "EXIT"};
	size_t shown = text_top(text, report->processes_count);
	struct overview overview;

	/* Those that are not steady come first, and are shown however many there are. */
	while (report->events && shown < report->processes_count &&
	       report->processes[shown]->verdict != VERDICT_STEADY)
		shown++;
	overview = overview_of(report, shown);
	layout_colour(&text->layout, COLOUR_HEAD);
	print_overview_cells(text, &overview, titles);
	layout_text(&text->layout, overview.verdicts ? "PARKED AT" : "MOST PARKED AT");
	layout_colour(&text->layout, COLOUR_NONE);
	layout_end_line(&text->layout);
	for (size_t i = 0; i < shown; i++) {
		int code = print_overview_row(text, report, &overview, report->processes[i]);

		if (code)
			return code;
	}
	if (shown < report->processes_count)
		print_more_processes(text, report, shown);
	return 0;
}
