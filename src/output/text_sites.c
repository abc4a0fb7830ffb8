// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/text_internal.h"
#include "output/text_parts.h"
#include "output/text_sites.h"
#include "output/where.h"

#define SITE_INDENT 4

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
	text_frame(text, frame);
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
	text_objects(text, site, SITE_INDENT + 2);
	if (!text->config.frames)
		text_threads(text, site, SITE_INDENT + 2);
	if (!with_stack)
		return;
	if (text->config.frames && site->stack->count)
		print_cut_where(text, table, &site->stack->frames[where_frame(site->stack)]);
	text_stack(text, site->stack, SITE_INDENT + 2);
	text_creator(text, site, SITE_INDENT + 2);
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
