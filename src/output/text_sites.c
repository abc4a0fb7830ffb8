// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/text_internal.h"
#include "output/text_sites.h"
#include "output/wait_objects_text.h"
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
	if (!crowd->oldest_ns && crowd->oldest_bound == AGE_AT_LEAST) {
		strcpy(cell, "?");
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

static void widen(const struct text *text, struct site_table *table, const struct site *site)
{
	char cells[CELLS_MAX][FORMAT_NUMBER_SIZE];

	format_cells(text, table, site, cells);
	for (size_t i = 0; i < table->cells; i++)
		if (table->widths[i] < escape_columns(cells[i]))
			table->widths[i] = escape_columns(cells[i]);
}

static struct site_table site_table_of(const struct text *text, const struct site_group *group,
				       bool events, size_t count)
{
	static const struct site_table park = {SITE_PARK, 4, {"NOW", "+IN", "-OUT", "OLDEST"},
					       {0},       6, "WHERE"};
	static const struct site_table park_without_events = {SITE_PARK, 2, {"NOW", "OLDEST"},
							      {0},       6, "WHERE"};
	static const struct site_table birth = {SITE_BIRTH, 3, {"LIVE", "BORN", "EXIT"},
						{0},        0, "CREATED AT"};
	struct site_table table =
		group->kind == SITE_PARK ? (events ? park : park_without_events) : birth;

	for (size_t i = 0; i < table.cells; i++)
		table.widths[i] = strlen(table.titles[i]) + (i == 0);
	for (size_t i = 0; i < count; i++) {
		widen(text, &table, group->sites[i]);
		if (table.reason_width && table.reason_width < strlen(group->sites[i]->reason))
			table.reason_width = strlen(group->sites[i]->reason);
	}
	if (group->folded)
		widen(text, &table, &group->sum);
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

/* What the crowd waits for, where that is known of its goroutines. */
static void print_objects(struct text *text, const struct site *site)
{
	char words[WAIT_OBJECTS_TEXT_SIZE];

	if (!wait_objects_text(&site->objects, site->crowd.now, words))
		return;
	layout_tab(&text->layout, SITE_INDENT + 2);
	layout_hostile(&text->layout, words, layout_room(&text->layout, 10));
	layout_end_line(&text->layout);
}

/* "created by main.serve (main.go:29) and others": the go statement. */
static void print_creator(struct text *text, const struct site *site)
{
	static const char others[] = " and others";
	struct layout *layout = &text->layout;
	size_t room = site->creators_differ ? strlen(others) : 0;
	char raw[FRAME_TEXT_MAX];

	if (!site->creator || !site->creator->count)
		return;
	frame_print(&site->creator->frames[site->creator->count - 1], raw, sizeof(raw));
	layout_tab(layout, SITE_INDENT + 2);
	layout_text(layout, "created by ");
	layout_hostile(layout, raw, layout_room(layout, room + 10) - room);
	if (site->creators_differ)
		layout_text(layout, others);
	layout_end_line(layout);
}

static void print_more_sites(struct text *text, const struct site_group *group, size_t shown)
{
	char units[FORMAT_NUMBER_SIZE], line[128];
	size_t more = group->count - shown;
	uint64_t sum = 0;

	for (size_t i = shown; i < group->count; i++)
		sum += site_size(group->sites[i]);
	format_count(sum, units);
	snprintf(line, sizeof(line), "%s and %zu more site%s, %s %s%s", text_ellipsis(text), more,
		 more == 1 ? "" : "s", units, unit_name(group->unit), sum == 1 ? "" : "s");
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

/* The frame of WHERE on a line of its own, if there its middle had to go. */
static void print_cut_where(struct text *text, const struct site_table *table,
			    const struct frame *frame)
{
	size_t column = where_fits_beside(text, table) ? where_column(table) : SITE_INDENT;
	char raw[FRAME_TEXT_MAX];

	frame_print(frame, raw, sizeof(raw));
	if (escape_columns(raw) <= text->layout.width - column)
		return;
	layout_tab(&text->layout, SITE_INDENT + 2);
	print_frame(text, frame);
	layout_end_line(&text->layout);
}

static void print_site(struct text *text, const struct site_table *table, const struct site *site,
		       bool with_stack)
{
	char cells[CELLS_MAX][FORMAT_NUMBER_SIZE];
	const char *pointers[CELLS_MAX] = {cells[0], cells[1], cells[2], cells[3]};

	format_cells(text, table, site, cells);
	print_cells(text, table, pointers, site->reason);
	text_where(text, site->stack, false);
	print_objects(text, site);
	if (!text->config.frames)
		print_threads(text, site);
	if (!with_stack)
		return;
	if (text->config.frames && site->stack->count)
		print_cut_where(text, table, &site->stack->frames[where_frame(site->stack)]);
	print_stack(text, site->stack);
	print_creator(text, site);
}

/* "   4    -     -      2h  idle scheduler threads" */
static void print_folded(struct text *text, const struct site_table *table,
			 const struct site_group *group)
{
	struct layout *layout = &text->layout;
	char cells[CELLS_MAX][FORMAT_NUMBER_SIZE];

	format_cells(text, table, &group->sum, cells);
	for (size_t i = 0; i < table->cells; i++) {
		if (i)
			layout_tab(layout, layout->column + 2);
		layout_right(layout, cells[i], table->widths[i]);
	}
	layout_item(layout, group->folded_as, 2, SITE_INDENT);
	layout_end_line(layout);
}

void text_sites(struct text *text, const struct site_group *group, bool events)
{
	size_t shown = text_top(text, group->count);
	struct site_table table = site_table_of(text, group, events, shown);
	bool whole = !text->config.frames;

	if (!group->count && !group->folded)
		return;
	layout_colour(&text->layout, COLOUR_HEAD);
	print_cells(text, &table, table.titles, "REASON");
	layout_text(&text->layout, table.where_title);
	if (group->name_unit) {
		layout_text(&text->layout, " (");
		layout_text(&text->layout, unit_name(group->unit));
		layout_text(&text->layout, "s)");
	}
	layout_colour(&text->layout, COLOUR_NONE);
	layout_end_line(&text->layout);

	for (size_t i = 0; i < shown; i++) {
		/* Whole stacks are long: a gap shows where the next one begins. */
		if (whole && i)
			layout_end_line(&text->layout);
		print_site(text, &table, group->sites[i],
			   !text->config.stacks || i < text->config.stacks);
	}
	if (shown < group->count)
		print_more_sites(text, group, shown);
	if (whole && shown && group->folded)
		layout_end_line(&text->layout);
	if (group->folded)
		print_folded(text, &table, group);
}
