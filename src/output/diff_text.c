// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/diff_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/diff_text_sites.h"

/* "2026-01-31T23:59:59Z", or that the dump does not say. */
static void print_time(struct diff_text *text, const struct dump *dump)
{
	char time[FORMAT_TIME_SIZE];

	if (dump->wall_ns)
		format_time(dump->wall_ns, 0, time);
	else
		strcpy(time, "[no time]");
	layout_text(&text->layout, time);
}

static void print_file(struct diff_text *text, const char *title, const struct dump *dump,
		       const char *path)
{
	layout_text(&text->layout, title);
	print_time(text, dump);
	layout_hostile_item(&text->layout, path, 2, 4);
	if (dump->hostname)
		layout_hostile_item(&text->layout, dump->hostname, 2, 4);
}

/* What the dumps say that they could not see may look like a change. */
static void print_losses(struct diff_text *text)
{
	uint64_t old = text->config->old->losses, new = text->config->new->losses;
	char old_text[FORMAT_NUMBER_SIZE], new_text[FORMAT_NUMBER_SIZE];
	char line[2 * FORMAT_NUMBER_SIZE + 64];

	if (!old && !new)
		return;
	format_count(old, old_text);
	format_count(new, new_text);
	snprintf(line, sizeof(line), "LOST %s in OLD, %s in NEW: they did not see everything",
		 old_text, new_text);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

/* Both files, and the time between them. */
static void print_files(struct diff_text *text, const struct dump_diff *diff)
{
	const struct diff_text_config *config = text->config;
	char number[FORMAT_NUMBER_SIZE], item[FORMAT_NUMBER_SIZE + 64];

	print_file(text, "OLD ", config->old, config->old_path);
	layout_end_line(&text->layout);
	print_file(text, "NEW ", config->new, config->new_path);
	if (config->old->wall_ns && config->new->wall_ns) {
		bool older = diff->elapsed_ns < 0;

		format_duration((uint64_t)(older ? -diff->elapsed_ns : diff->elapsed_ns), number);
		snprintf(item, sizeof(item), "%s %s", number,
			 older ? "EARLIER than OLD: are they swapped?" : "later");
		if (!diff->elapsed_ns)
			snprintf(item, sizeof(item), "of the same moment");
		layout_item(&text->layout, item, 2, 4);
	}
	layout_end_line(&text->layout);
	print_losses(text);
}

/* "threads 21 -> 141 (+120, +12.0/min)"; without `diff` the change is left out. */
static void print_units(struct diff_text *text, const struct dump_diff *diff,
			const struct process_diff *process, const char *name, uint64_t old,
			uint64_t now)
{
	char old_text[FORMAT_NUMBER_SIZE], new_text[FORMAT_NUMBER_SIZE];
	char change[FORMAT_NUMBER_SIZE + 1], rate[40] = "";
	char item[4 * FORMAT_NUMBER_SIZE + 64];
	double per_minute;
	int length;

	format_count(old, old_text);
	format_count(now, new_text);
	if (old == now || process->change != DIFF_SAME)
		length = snprintf(item, sizeof(item), "%s %s", name,
				  process->change == DIFF_GONE ? old_text : new_text);
	else
		length = snprintf(item, sizeof(item), "%s %s %s %s", name, old_text,
				  diff_text_arrow(text), new_text);
	if (diff && old != now && process->change == DIFF_SAME) {
		diff_text_change(old, now, change);
		if (dump_diff_rate(diff, process, old, now, &per_minute))
			snprintf(rate, sizeof(rate), ", %+.1f/min", per_minute);
		snprintf(item + length, sizeof(item) - (size_t)length, " (%s%s)", change, rate);
	}
	layout_item(&text->layout, item, 2, 2);
}

/* "payments-api 4711", "postgres, 8 processes", and what is known of both. */
static void print_name(struct diff_text *text, const struct process_diff *process)
{
	const struct dump_process *of = process->new ? process->new : process->old;
	struct layout *layout = &text->layout;
	char item[96];

	layout_hostile(layout, of->name ? of->name : "[unknown]", layout->width / 2);
	if (process->change == DIFF_SAME && process->old_count == 1 && process->new_count == 1 &&
	    process->old->pid != process->new->pid)
		snprintf(item, sizeof(item), " %" PRIu32 " %s %" PRIu32, process->old->pid,
			 diff_text_arrow(text), process->new->pid);
	else if (process->old_count <= 1 && process->new_count <= 1)
		snprintf(item, sizeof(item), " %" PRIu32, of->pid);
	else if (process->change != DIFF_SAME || process->old_count == process->new_count)
		snprintf(item, sizeof(item), "  %zu processes",
			 process->new_count ? process->new_count : process->old_count);
	else
		snprintf(item, sizeof(item), "  %zu %s %zu processes", process->old_count,
			 diff_text_arrow(text), process->new_count);
	layout_text(layout, item);
	if (process->change != DIFF_SAME)
		layout_item(layout, process->change == DIFF_NEW ? "NEW" : "GONE", 2, 2);
}

/* How many are there, and how many of them are parked. */
static void print_numbers(struct diff_text *text, const struct dump_diff *diff,
			  const struct process_diff *process)
{
	static const struct {
		const char *now, *parked;
	} names[] = {
		[UNIT_THREAD] = {"threads", "parked threads"},
		[UNIT_GOROUTINE] = {"goroutines", "parked goroutines"},
	};

	for (int unit = UNIT_GOROUTINE; unit >= UNIT_THREAD; unit--) {
		const struct unit_diff *of = &process->units[unit];

		if (unit == UNIT_GOROUTINE && !process_diff_has_goroutines(process))
			continue;
		if (!unit_is_shown(text->config->units, (enum unit)unit))
			continue;
		if (of->now_known)
			print_units(text, diff, process, names[unit].now, of->old_now, of->new_now);
		print_units(text, of->now_known ? NULL : diff, process,
			    of->now_known ? "parked" : names[unit].parked, of->old_parked,
			    of->new_parked);
	}
}

/* "the same process: 1,204 stayed, 12 left, 24 came", or why that is not known. */
static void print_stays(struct diff_text *text, const struct process_diff *process)
{
	const struct unit_diff *units = process->units;
	struct diff_stays sum = {0};
	char stayed[FORMAT_NUMBER_SIZE], left[FORMAT_NUMBER_SIZE], came[FORMAT_NUMBER_SIZE];
	char line[3 * FORMAT_NUMBER_SIZE + 96];

	for (int unit = UNIT_THREAD; unit <= UNIT_GOROUTINE; unit++) {
		sum.estimated = sum.estimated || units[unit].stays.estimated;
		sum.stayed += units[unit].stays.stayed;
		sum.left += units[unit].stays.left;
		sum.came += units[unit].stays.came;
	}
	sum.known = units[UNIT_THREAD].stays.known && units[UNIT_GOROUTINE].stays.known;
	format_count(sum.stayed, stayed);
	format_count(sum.left, left);
	format_count(sum.came, came);
	if (!process->same)
		snprintf(line, sizeof(line), "different processes: counts only");
	else if (process->other_program)
		snprintf(line, sizeof(line),
			 "the same process, but it has executed another program: counts only");
	else if (!sum.known)
		snprintf(line, sizeof(line),
			 "the same process, but a dump does not say which units: counts only");
	else
		snprintf(line, sizeof(line), "the same process: %s%s stayed, %s left, %s came",
			 sum.estimated ? "about " : "", stayed, left, came);
	layout_tab(&text->layout, 2);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

/* "  sites: 1 new, 2 grew, 14 same" */
static void print_changes(struct diff_text *text, const struct process_diff *process)
{
	static const enum diff_change order[] = {DIFF_NEW, DIFF_GREW, DIFF_SHRANK, DIFF_GONE,
						 DIFF_SAME};
	bool any = false;

	layout_tab(&text->layout, 2);
	layout_text(&text->layout, "sites:");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t count = process->units[UNIT_THREAD].changes[order[i]] +
			       process->units[UNIT_GOROUTINE].changes[order[i]];
		char item[64];

		if (!count)
			continue;
		snprintf(item, sizeof(item), "%zu %s", count, diff_change_name(order[i]));
		if (any)
			layout_text(&text->layout, ",");
		layout_item(&text->layout, item, 1, 4);
		any = true;
	}
	if (!any)
		layout_text(&text->layout, " none");
	layout_end_line(&text->layout);
}

static void print_process(struct diff_text *text, const struct dump_diff *diff,
			  const struct process_diff *process)
{
	layout_end_line(&text->layout);
	print_name(text, process);
	print_numbers(text, diff, process);
	layout_end_line(&text->layout);
	if (process->change == DIFF_SAME)
		print_stays(text, process);
	print_changes(text, process);
	diff_text_sites(text, diff, process, UNIT_GOROUTINE);
	diff_text_sites(text, diff, process, UNIT_THREAD);
}

/* "30 more processes are the same" */
static void print_count_line(struct diff_text *text, size_t count, const char *more,
			     const char *what)
{
	char line[96];

	layout_end_line(&text->layout);
	snprintf(line, sizeof(line), "%zu %sprocess%s %s", count, more, count == 1 ? "" : "es",
		 what);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

static void print_processes(struct diff_text *text, const struct dump_diff *diff)
{
	size_t differ = 0, same, shown;

	while (differ < diff->processes_count && diff->processes[differ].differs)
		differ++;
	same = diff->processes_count - differ;
	shown = diff_text_top(text, differ);
	for (size_t i = 0; i < shown; i++)
		print_process(text, diff, &diff->processes[i]);
	if (shown < differ)
		print_count_line(text, differ - shown, "more ",
				 differ - shown == 1 ? "differs: see --top" : "differ: see --top");
	/* One that is the same says more by its numbers than by being counted. */
	shown = same == 1 ? 1 : text->config->verbose ? diff_text_top(text, same) : 0;
	for (size_t i = 0; i < shown; i++)
		print_process(text, diff, &diff->processes[differ + i]);
	if (shown < same || !diff->processes_count)
		print_count_line(text, same - shown, differ || shown ? "more " : "",
				 diff->processes_count ? "are the same" : "in both dumps");
}

int diff_text_write(const struct dump_diff *diff, const struct diff_text_config *config,
		    struct sink *sink, struct error *error)
{
	struct diff_text text = {.config = config};
	size_t width = config->width ? config->width : TEXT_WIDTH_DEFAULT;
	int code;

	text.layout.ascii = config->ascii;
	text.layout.width = width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : width;
	layout_begin(&text.layout, &text.buffer);
	print_files(&text, diff);
	print_processes(&text, diff);
	code = text.buffer.failed ? error_set(error, -ENOMEM, "out of memory")
				  : sink_write(sink, text.buffer.data, text.buffer.length, error);
	buffer_release(&text.buffer);
	return code;
}
