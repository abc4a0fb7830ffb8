// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/text_internal.h"
#include "output/where.h"

/* Bytes of a frame before it is escaped and cut to the line. */
#define FRAME_TEXT_MAX 2048

#define SITE_INDENT 4

/* Names of a site's threads, beside which the rest is a number. */
#define SITE_NAMES_MAX 8

/* Bytes of an escaped name: one of the kernel's 15 becomes at most "\\xNN". */
#define THREAD_NAME_ESCAPED_MAX (4 * THREAD_NAME_SIZE)

/* The columns of a table of sites, right-aligned before reason and WHERE. */
enum {
	CELLS_MAX = 4
};

struct site_table {
	enum site_kind kind;
	size_t cells;
	const char *titles[CELLS_MAX];
	size_t widths[CELLS_MAX];
	size_t reason_width; /* 0: no such column */
	const char *where_title;
};

static const char *age_mark(const struct text *text, enum age_bound bound)
{
	if (bound == AGE_AT_MOST)
		return text->config.ascii ? "<" : "\xe2\x89\xa4";
	if (bound == AGE_AT_LEAST)
		return text->config.ascii ? ">" : "\xe2\x89\xa5";
	return "";
}

static void format_oldest(const struct text *text, const struct crowd *crowd,
			  char cell[FORMAT_NUMBER_SIZE])
{
	char age[FORMAT_NUMBER_SIZE - 4];
	char long_age[FORMAT_NUMBER_SIZE];

	if (!crowd->now) {
		strcpy(cell, "-");
		return;
	}
	format_duration(crowd->oldest_ns, long_age);
	snprintf(age, sizeof(age), "%.*s", (int)sizeof(age) - 1, long_age);
	snprintf(cell, FORMAT_NUMBER_SIZE, "%s%s", age_mark(text, crowd->oldest_bound), age);
}

static void format_cells(const struct text *text, const struct site_table *table,
			 const struct site *site, char cells[CELLS_MAX][FORMAT_NUMBER_SIZE])
{
	struct site_interval interval = site_interval(site);

	text_cell(site_size(site), cells[0]);
	if (table->kind == SITE_BIRTH) {
		text_cell(interval.born, cells[1]);
		text_cell(interval.exited, cells[2]);
	} else if (table->cells == 4) {
		text_cell(interval.arrived, cells[1]);
		text_cell(interval.departed, cells[2]);
		format_oldest(text, &site->crowd, cells[3]);
	} else {
		format_oldest(text, &site->crowd, cells[1]);
	}
}

static struct site_table site_table_of(const struct text *text, enum site_kind kind, bool events,
				       struct site *const *sites, size_t count)
{
	static const struct site_table park = {SITE_PARK, 4, {"NOW", "+IN", "-OUT", "OLDEST"},
					       {0},       6, "WHERE"};
	static const struct site_table park_without_events = {SITE_PARK, 2, {"NOW", "OLDEST"},
							      {0},       6, "WHERE"};
	static const struct site_table birth = {SITE_BIRTH, 3, {"LIVE", "BORN", "EXIT"},
						{0},        0, "CREATED AT"};
	struct site_table table = kind == SITE_PARK ? (events ? park : park_without_events) : birth;
	char cells[CELLS_MAX][FORMAT_NUMBER_SIZE];

	for (size_t i = 0; i < table.cells; i++)
		table.widths[i] = strlen(table.titles[i]) + (i == 0);
	for (size_t i = 0; i < count; i++) {
		format_cells(text, &table, sites[i], cells);
		for (size_t j = 0; j < table.cells; j++)
			if (table.widths[j] < escape_columns(cells[j]))
				table.widths[j] = escape_columns(cells[j]);
		if (table.reason_width && table.reason_width < strlen(sites[i]->reason))
			table.reason_width = strlen(sites[i]->reason);
	}
	return table;
}

static size_t where_column(const struct site_table *table)
{
	size_t column = 0;

	for (size_t i = 0; i < table->cells; i++)
		column += table->widths[i] + (i ? 2 : 0);
	return column + 2 + (table->reason_width ? table->reason_width + 2 : 0);
}

static bool where_fits_beside(const struct text *text, const struct site_table *table)
{
	return where_column(table) + WHERE_COLUMNS_MIN <= text->layout.width;
}

static void print_cells(struct text *text, const struct site_table *table, const char *const *cells,
			const char *reason)
{
	struct layout *layout = &text->layout;

	for (size_t i = 0; i < table->cells; i++) {
		if (i)
			layout_tab(layout, layout->column + 2);
		layout_right(layout, cells[i], table->widths[i]);
	}
	if (table->reason_width) {
		layout_tab(layout, layout->column + 2);
		layout_text(layout, reason);
	}
	if (where_fits_beside(text, table)) {
		layout_tab(layout, where_column(table));
	} else {
		layout_end_line(layout);
		layout_tab(layout, SITE_INDENT);
	}
}

static void print_frame(struct text *text, const struct frame *frame)
{
	char raw[FRAME_TEXT_MAX];

	frame_print(frame, raw, sizeof(raw));
	layout_hostile(&text->layout, raw, layout_room(&text->layout, 10));
}

void text_where(struct text *text, const struct stack *stack, bool brief)
{
	const struct frame *frame = stack->count ? &stack->frames[where_frame(stack)] : NULL;

	if (frame && frame->function && brief)
		layout_hostile(&text->layout, frame->function, layout_room(&text->layout, 10));
	else if (frame)
		print_frame(text, frame);
	else
		layout_text(&text->layout, "[no stack]");
	layout_end_line(&text->layout);
}

/* Kernel frames are the same for every wait of a kind: with -v only. */
static size_t first_frame_of_whole(const struct text *text, const struct stack *stack)
{
	size_t first = 0;

	while (!text->config.verbose && first < stack->count &&
	       stack->frames[first].kind == FRAME_KERNEL)
		first++;
	return first;
}

/* The whole stack, or the first callers of the frame that WHERE shows. */
static void print_stack(struct text *text, const struct stack *stack)
{
	size_t first =
		text->config.frames ? where_frame(stack) + 1 : first_frame_of_whole(text, stack);
	size_t end = stack->count;

	if (end - first == 1 && first == where_frame(stack))
		return;
	if (text->config.frames && end > first && end - first > text->config.frames)
		end = first + text->config.frames;
	for (size_t i = first; i < end; i++) {
		layout_tab(&text->layout, SITE_INDENT + 2);
		print_frame(text, &stack->frames[i]);
		layout_end_line(&text->layout);
	}
	if (end < stack->count) {
		char more[64];

		snprintf(more, sizeof(more), "%s %zu more", text_ellipsis(text),
			 stack->count - end);
		layout_tab(&text->layout, SITE_INDENT + 2);
		layout_text(&text->layout, more);
		layout_end_line(&text->layout);
	}
}

/* "threads: http-nio-* (200), main": who stands there; one thread by its id and name. */
static void print_threads(struct text *text, const struct site *site)
{
	const struct thread_names *names = &site->names;
	size_t shown = names->count < SITE_NAMES_MAX ? names->count : SITE_NAMES_MAX;
	struct layout *layout = &text->layout;
	uint64_t rest = site->crowd.now;
	char number[FORMAT_NUMBER_SIZE];

	if (!shown)
		return;
	layout_tab(layout, SITE_INDENT + 2);
	layout_text(layout, site->crowd.now == 1 ? "thread:" : "threads:");
	if (site->crowd.now == 1) {
		snprintf(number, sizeof(number), "%" PRIu32, names->items[0].tid);
		layout_item(layout, number, 1, SITE_INDENT + 4);
	}
	for (size_t i = 0; i < shown; i++) {
		const struct thread_name *name = &names->items[i];
		char safe[THREAD_NAME_ESCAPED_MAX], item[sizeof(safe) + FORMAT_NUMBER_SIZE + 8];
		int length;

		rest -= name->count;
		escape_text(name->text, text->config.ascii, safe, sizeof(safe));
		length = snprintf(item, sizeof(item), "%s", safe);
		if (name->count > 1) {
			format_count(name->count, number);
			length += snprintf(item + length, sizeof(item) - (size_t)length, " (%s)",
					   number);
		}
		if (rest)
			snprintf(item + length, sizeof(item) - (size_t)length, ",");
		layout_item(layout, item, 1, SITE_INDENT + 4);
	}
	if (rest) {
		char more[FORMAT_NUMBER_SIZE + 16];

		format_count(rest, number);
		snprintf(more, sizeof(more), "%s more", number);
		layout_item(layout, more, 1, SITE_INDENT + 4);
	}
	layout_end_line(layout);
}

static void print_more_sites(struct text *text, struct site *const *sites, size_t count)
{
	char units[FORMAT_NUMBER_SIZE], line[128];
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += site_size(sites[i]);
	format_count(sum, units);
	snprintf(line, sizeof(line), "%s and %zu more site%s, %s thread%s", text_ellipsis(text),
		 count, count == 1 ? "" : "s", units, sum == 1 ? "" : "s");
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

static void print_sites(struct text *text, enum site_kind kind, bool events,
			struct site *const *sites, size_t count)
{
	size_t shown = text_top(text, count);
	struct site_table table = site_table_of(text, kind, events, sites, shown);
	bool whole = !text->config.frames;

	layout_colour(&text->layout, COLOUR_HEAD);
	print_cells(text, &table, table.titles, "REASON");
	layout_text(&text->layout, table.where_title);
	layout_colour(&text->layout, COLOUR_NONE);
	layout_end_line(&text->layout);

	for (size_t i = 0; i < shown; i++) {
		char cells[CELLS_MAX][FORMAT_NUMBER_SIZE];
		const char *pointers[CELLS_MAX] = {cells[0], cells[1], cells[2], cells[3]};

		/* Whole stacks are long: a gap shows where the next one begins. */
		if (whole && i)
			layout_end_line(&text->layout);
		format_cells(text, &table, sites[i], cells);
		print_cells(text, &table, pointers, sites[i]->reason);
		text_where(text, sites[i]->stack, false);
		if (whole)
			print_threads(text, sites[i]);
		if (!text->config.stacks || i < text->config.stacks)
			print_stack(text, sites[i]->stack);
	}
	if (shown < count)
		print_more_sites(text, sites + shown, count - shown);
}

static uint64_t parked_in(struct site *const *sites, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += sites[i]->crowd.now;
	return sum;
}

static double watched_seconds(const struct report *report, const struct watched_process *process)
{
	return report->now_ns > process->first_seen_ns
		       ? (double)(report->now_ns - process->first_seen_ns) / 1e9
		       : 0;
}

static void print_head(struct text *text, const struct report *report,
		       const struct watched_process *process, uint64_t parked)
{
	uint64_t born = process->threads.born - process->threads.reported.born;
	uint64_t exited = process->threads.exited - process->threads.reported.exited;
	struct layout *layout = &text->layout;
	char item[64], number[FORMAT_NUMBER_SIZE];

	layout_colour(layout, COLOUR_HEAD);
	layout_hostile(layout, process->name ? process->name : "[unknown]", layout->width / 2);
	snprintf(item, sizeof(item), " %" PRIu32, process->pid);
	layout_text(layout, item);
	if (process->ended)
		layout_item(layout, "ended", 2, 2);
	format_count(process->threads.now, number);
	if (report->events)
		snprintf(item, sizeof(item), "threads %s (%+.1f/min)", number,
			 growth_per_minute(&process->threads.growth));
	else
		snprintf(item, sizeof(item), "threads %s", number);
	layout_item(layout, item, 2, 2);
	if (report->events) {
		format_count(born, number);
		snprintf(item, sizeof(item), "born %s", number);
		layout_item(layout, item, 2, 2);
		format_count(exited, number);
		snprintf(item, sizeof(item), "exited %s", number);
		layout_item(layout, item, 2, 2);
		format_seconds(watched_seconds(report, process), number);
		snprintf(item, sizeof(item), "watched %s", number);
	} else {
		format_count(parked, number);
		snprintf(item, sizeof(item), "parked %s", number);
	}
	layout_item(layout, item, 2, 2);
	layout_colour(layout, COLOUR_NONE);
	layout_end_line(layout);
}

static int compare_waits(const void *left, const void *right)
{
	const struct reason_waits *a = *(const struct reason_waits *const *)left;
	const struct reason_waits *b = *(const struct reason_waits *const *)right;
	uint64_t time_a = a->duration_ns - a->reported.duration_ns;
	uint64_t time_b = b->duration_ns - b->reported.duration_ns;

	return (time_b > time_a) - (time_b < time_a);
}

/* The waits that ended in the interval, most time first. */
static void print_waits(struct text *text, const struct watched_process *process)
{
	const struct reason_waits *waits[WATCHED_REASONS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < process->reasons_count; i++)
		if (process->reasons[i].count > process->reasons[i].reported.count)
			waits[count++] = &process->reasons[i];
	if (!count)
		return;
	qsort(waits, count, sizeof(waits[0]), compare_waits);
	layout_text(&text->layout, "WAITED");
	for (size_t i = 0; i < count; i++) {
		uint64_t ended = waits[i]->count - waits[i]->reported.count;
		uint64_t duration_ns = waits[i]->duration_ns - waits[i]->reported.duration_ns;
		char item[160], number[FORMAT_NUMBER_SIZE];
		char sum[FORMAT_NUMBER_SIZE], mean[FORMAT_NUMBER_SIZE];

		format_count(ended, number);
		format_duration(duration_ns, sum);
		format_duration(duration_ns / ended, mean);
		snprintf(item, sizeof(item), "%s %s wait%s %s (mean %s)", waits[i]->reason, number,
			 ended == 1 ? "" : "s", sum, mean);
		layout_item(&text->layout, item, 2, 8);
	}
	layout_end_line(&text->layout);
}

int text_process(struct text *text, const struct report *report,
		 const struct watched_process *process)
{
	autofree struct site **parked = NULL, **births = NULL;
	size_t parked_count = 0, births_count = 0;
	uint64_t units;
	int code = report_sites(process, SITE_PARK, &parked, &parked_count);

	if (!code)
		code = report_sites(process, SITE_BIRTH, &births, &births_count);
	if (code)
		return code;
	units = parked_in(parked, parked_count);
	print_head(text, report, process, units);
	if (!units) {
		layout_text(&text->layout, "no thread is parked");
		layout_end_line(&text->layout);
	}
	if (parked_count)
		print_sites(text, SITE_PARK, report->events, parked, parked_count);
	/* Without events nothing is known of births but that they were before. */
	if (births_count && report->events)
		print_sites(text, SITE_BIRTH, report->events, births, births_count);
	if (report->events)
		print_waits(text, process);
	return 0;
}
