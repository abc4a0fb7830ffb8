// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "output/text_internal.h"

/* Where there are some. */
static void print_hooks(struct text *text, const struct own_cost *cost)
{
	char item[96], number[FORMAT_NUMBER_SIZE];
	size_t used;

	if (cost->bpf_seconds < 0) {
		if (!cost->bpf_error)
			return;
		snprintf(item, sizeof(item), "bpf not known: %s", strerror(cost->bpf_error));
	} else {
		format_count(cost->bpf_runs, number);
		used = (size_t)snprintf(item, sizeof(item), "bpf %.3fs in %s runs",
					cost->bpf_seconds, number);
		if (cost->bpf_sampled_seconds > 0)
			snprintf(item + used, sizeof(item) - used, " (sampled for %.2fs)",
				 cost->bpf_sampled_seconds);
	}
	layout_item(&text->layout, item, 2, 6);
}

/* What is used of it, and always what had to be done to keep to it. */
static void print_budget(struct text *text, const struct budget_status *budget)
{
	const struct {
		const char *name;
		double part;
	} parts[] = {{"hooks", budget->hooks},
		     {"walks", budget->walks},
		     {"reports", budget->reports},
		     {"rest", budget->rest}};
	char item[BUDGET_MESSAGE_SIZE], message[BUDGET_MESSAGE_SIZE];

	budget_message(budget, message, sizeof(message));
	if (budget->part <= 0 || (!text->config.verbose && !*message))
		return;
	layout_colour(&text->layout, *message ? COLOUR_WARNING : COLOUR_NONE);
	layout_text(&text->layout, "BUDGET");
	layout_colour(&text->layout, COLOUR_NONE);
	if (text->config.verbose) {
		snprintf(item, sizeof(item), "%.3g%% of a CPU, used %.2f%%", 100 * budget->part,
			 100 * budget_used(budget));
		layout_item(&text->layout, item, 2, 8);
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			snprintf(item, sizeof(item), "%s %.2f%%", parts[i].name,
				 100 * parts[i].part);
			layout_item(&text->layout, item, 2, 8);
		}
	}
	if (*message)
		layout_words(&text->layout, message, 2, 8);
	layout_end_line(&text->layout);
}

static void print_own_cost(struct text *text, const struct own_cost *cost, bool with_sweep)
{
	char item[96], number[FORMAT_NUMBER_SIZE];

	layout_text(&text->layout, "COST");
	snprintf(item, sizeof(item), "cpu %.3fs", cost->cpu_seconds);
	layout_item(&text->layout, item, 2, 6);
	print_hooks(text, cost);
	format_bytes(cost->rss_bytes, number);
	snprintf(item, sizeof(item), "rss %s", number);
	layout_item(&text->layout, item, 2, 6);
	format_bytes(cost->map_bytes, number);
	snprintf(item, sizeof(item), "maps %s", number);
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

void text_cost(struct text *text, const struct own_cost *cost, bool with_sweep)
{
	if (cost->unknown)
		return;
	print_budget(text, &cost->budget);
	if (!text->config.verbose)
		return;
	print_own_cost(text, cost, with_sweep);
	print_unwind_cost(text, &cost->unwind);
}
