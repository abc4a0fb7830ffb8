// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/diff_text_sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/escape.h"
#include "output/where.h"

/* Bytes of a frame before it is escaped and cut to the line. */
#define FRAME_TEXT_MAX 2048

/* Less room than this on a line, and WHERE goes on a line of its own. */
#define WHERE_COLUMNS_MIN 20

enum {
	CHANGE_WIDTH = 6, /* "shrank" */
	FRAME_INDENT = 8,
};

/* The columns between what happened and the reason, right-aligned. */
enum cell {
	CELL_OLD,
	CELL_NEW,
	CELL_CHANGE,
	CELL_RATE,
	CELL_LEFT,
	CELL_CAME,
	CELLS
};

struct table {
	bool shown[CELLS];
	size_t widths[CELLS];
	size_t reason_width;
};

void diff_text_change(uint64_t old, uint64_t now, char text[FORMAT_NUMBER_SIZE + 1])
{
	text[0] = now > old ? '+' : '-';
	format_count(now > old ? now - old : old - now, text + (now != old));
}

static void format_number(uint64_t count, char cell[FORMAT_NUMBER_SIZE + 1])
{
	if (count)
		snprintf(cell, FORMAT_NUMBER_SIZE, "%" PRIu64, count);
	else
		strcpy(cell, "-");
}

static void format_cells(const struct dump_diff *diff, const struct process_diff *process,
			 const struct site_diff *site, char cells[CELLS][FORMAT_NUMBER_SIZE + 1])
{
	int64_t change = (int64_t)site->new_now - (int64_t)site->old_now;
	double rate;

	for (size_t i = 0; i < CELLS; i++)
		strcpy(cells[i], "-");
	format_number(site->old_now, cells[CELL_OLD]);
	format_number(site->new_now, cells[CELL_NEW]);
	if (change)
		snprintf(cells[CELL_CHANGE], FORMAT_NUMBER_SIZE, "%+" PRId64, change);
	if (change && dump_diff_rate(diff, process, site->old_now, site->new_now, &rate))
		snprintf(cells[CELL_RATE], FORMAT_NUMBER_SIZE, "%+.1f", rate);
	if (!site->stays.known)
		return;
	format_number(site->stays.left, cells[CELL_LEFT]);
	format_number(site->stays.came, cells[CELL_CAME]);
}

static const char *const titles[CELLS] = {"OLD", "NEW", "CHANGE", "+/MIN", "LEFT", "CAME"};

/* `shown` are the sites of the table. */
static struct table table_of(const struct dump_diff *diff, const struct process_diff *process,
			     const struct site_diff *const *sites, size_t count)
{
	struct table table = {.reason_width = strlen("REASON")};
	double rate;

	for (size_t i = 0; i < CELLS; i++) {
		table.shown[i] = i <= CELL_CHANGE;
		table.widths[i] = strlen(titles[i]);
	}
	table.shown[CELL_RATE] = dump_diff_rate(diff, process, 0, 1, &rate);
	for (size_t i = 0; i < count; i++) {
		const struct dump_site *of = sites[i]->new ? sites[i]->new : sites[i]->old;
		char cells[CELLS][FORMAT_NUMBER_SIZE + 1];

		format_cells(diff, process, sites[i], cells);
		for (size_t j = 0; j < CELLS; j++)
			if (table.widths[j] < strlen(cells[j]))
				table.widths[j] = strlen(cells[j]);
		if (table.reason_width < strlen(of->reason))
			table.reason_width = strlen(of->reason);
		if (sites[i]->stays.known)
			table.shown[CELL_LEFT] = table.shown[CELL_CAME] = true;
	}
	return table;
}

static void print_cells(struct diff_text *text, const struct table *table, const char *change,
			const char *const cells[CELLS], const char *reason)
{
	struct layout *layout = &text->layout;
	size_t where;

	layout_text(layout, change);
	layout_tab(layout, CHANGE_WIDTH);
	for (size_t i = 0; i < CELLS; i++) {
		if (!table->shown[i])
			continue;
		layout_tab(layout, layout->column + 2);
		layout_right(layout, cells[i], table->widths[i]);
	}
	layout_tab(layout, layout->column + 2);
	where = layout->column + table->reason_width + 2;
	layout_text(layout, reason);
	if (where + WHERE_COLUMNS_MIN <= layout->width) {
		layout_tab(layout, where);
	} else {
		layout_end_line(layout);
		layout_tab(layout, FRAME_INDENT);
	}
}

static void print_frame(struct diff_text *text, const struct frame *frame)
{
	char raw[FRAME_TEXT_MAX];

	dump_frame_print(frame, raw, sizeof(raw));
	layout_hostile(&text->layout, raw, layout_room(&text->layout, 10));
	layout_end_line(&text->layout);
}

/* The application frame, on a line of its own where it does not fit beside the numbers. */
static void print_where(struct diff_text *text, const struct stack *stack)
{
	const struct frame *frame = stack->count ? &stack->frames[where_frame(stack)] : NULL;
	struct layout *layout = &text->layout;
	char raw[FRAME_TEXT_MAX];

	if (!frame) {
		layout_text(layout, "[no stack]");
		layout_end_line(layout);
		return;
	}
	dump_frame_print(frame, raw, sizeof(raw));
	if (layout->column > FRAME_INDENT && escape_columns(raw) > layout_room(layout, 0)) {
		layout_end_line(layout);
		layout_tab(layout, FRAME_INDENT);
	}
	print_frame(text, frame);
}

/* The id, the whole stack, and who made the units. */
static void print_details(struct diff_text *text, const struct dump_site *site)
{
	struct layout *layout = &text->layout;
	char line[48];

	snprintf(line, sizeof(line), "site %016" PRIx64, site->id);
	layout_tab(layout, FRAME_INDENT);
	layout_text(layout, line);
	layout_end_line(layout);
	for (size_t i = 0; i < site->stack->count; i++) {
		layout_tab(layout, FRAME_INDENT);
		print_frame(text, &site->stack->frames[i]);
	}
	if (!site->created_by)
		return;
	layout_tab(layout, FRAME_INDENT);
	layout_text(layout, "created by ");
	layout_hostile(layout, site->created_by, layout_room(layout, 10));
	layout_end_line(layout);
}

static void print_site(struct diff_text *text, const struct dump_diff *diff,
		       const struct process_diff *process, const struct table *table,
		       const struct site_diff *site)
{
	/* Who came is there to be looked at. */
	const struct dump_site *of = site->new ? site->new : site->old;
	char cells[CELLS][FORMAT_NUMBER_SIZE + 1];
	const char *pointers[CELLS];

	format_cells(diff, process, site, cells);
	for (size_t i = 0; i < CELLS; i++)
		pointers[i] = cells[i];
	print_cells(text, table, diff_change_name(site->change), pointers, of->reason);
	print_where(text, of->stack);
	if (text->config->verbose)
		print_details(text, of);
}

static void print_more(struct diff_text *text, enum unit unit, const struct site_diff *const *sites,
		       size_t count)
{
	char line[160], old[FORMAT_NUMBER_SIZE], new[FORMAT_NUMBER_SIZE];
	uint64_t old_sum = 0, new_sum = 0;

	for (size_t i = 0; i < count; i++) {
		old_sum += sites[i]->old_now;
		new_sum += sites[i]->new_now;
	}
	format_count(old_sum, old);
	format_count(new_sum, new);
	snprintf(line, sizeof(line), "%s and %zu more site%s, %s %s %s %ss: see --top",
		 text->config->ascii ? "..." : "\xe2\x80\xa6", count, count == 1 ? "" : "s", old,
		 diff_text_arrow(text), new, unit_name(unit));
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

/* "idle scheduler threads 4 -> 6, which do not count"; pprof says nothing of them. */
static void print_folded(struct diff_text *text, enum unit unit, const struct unit_diff *of)
{
	char line[160], old[FORMAT_NUMBER_SIZE], new[FORMAT_NUMBER_SIZE];

	if (!of->old_folded || !of->new_folded)
		return;
	format_count(of->old_folded, old);
	format_count(of->new_folded, new);
	snprintf(line, sizeof(line), "not compared: %s %s %s %s",
		 unit == UNIT_THREAD ? "idle scheduler threads" : "runtime goroutines", old,
		 diff_text_arrow(text), new);
	layout_tab(&text->layout, 2);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

void diff_text_sites(struct diff_text *text, const struct dump_diff *diff,
		     const struct process_diff *process, enum unit unit)
{
	autofree const struct site_diff **sites =
		calloc(process->sites_count + 1, sizeof(struct site_diff *));
	size_t count = 0, shown;
	struct table table;

	if (!sites) {
		text->buffer.failed = true;
		return;
	}
	for (size_t i = 0; i < process->sites_count; i++) {
		const struct site_diff *site = &process->sites[i];
		const struct dump_site *of = site->new ? site->new : site->old;

		if (of->unit == unit && (text->config->verbose || site->change != DIFF_SAME))
			sites[count++] = site;
	}
	shown = diff_text_top(text, count);
	table = table_of(diff, process, sites, shown);
	if (shown) {
		print_cells(text, &table, "", titles, "REASON");
		layout_text(&text->layout, "WHERE");
		if (process_diff_has_goroutines(process)) {
			layout_text(&text->layout, " (");
			layout_text(&text->layout, unit_name(unit));
			layout_text(&text->layout, "s)");
		}
		layout_end_line(&text->layout);
	}
	for (size_t i = 0; i < shown; i++) {
		if (i && text->config->verbose)
			layout_end_line(&text->layout);
		print_site(text, diff, process, &table, sites[i]);
	}
	if (shown < count)
		print_more(text, unit, sites + shown, count - shown);
	print_folded(text, unit, &process->units[unit]);
}
