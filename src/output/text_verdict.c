// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/text_verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/verdict_change.h"
#include "model/verdict_message.h"
#include "output/escape.h"
#include "output/limits_text.h"
#include "output/text_parts.h"

/* Of the lines below the first one of a block. */
#define BLOCK_INDENT 2
/* "site " and the 16 digits of an id. */
#define SITE_ID_COLUMNS 21

/* Behind "LIMITS". */
#define LIMITS_INDENT 8
/* Behind "CHANGED". */
#define CHANGE_INDENT 9

#define compare_descending(a, b) (((b) > (a)) - ((b) < (a)))

const char *text_verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAKING:
		return "LEAKING";
	case VERDICT_GROWING:
		return "GROWING";
	default:
		return "";
	}
}

/* On a line of its own where it does not fit, and broken only where it never does. */
static void print_limit(struct text *text, const char *item)
{
	size_t gap = 2;

	if (text->layout.column + gap + escape_columns(item) > text->layout.width) {
		layout_end_line(&text->layout);
		layout_tab(&text->layout, LIMITS_INDENT);
		gap = 0;
	}
	layout_words(&text->layout, item, gap, LIMITS_INDENT);
}

static void print_limits(struct text *text, const struct watched_process *process)
{
	char item[LIMITS_TEXT_SIZE];

	if (!limits_text_item(process, 0, item))
		return;
	layout_text(&text->layout, "LIMITS");
	for (size_t i = 0; limits_text_item(process, i, item); i++)
		print_limit(text, item);
	layout_end_line(&text->layout);
}

static bool is_folded(const struct text *text, const struct watched_process *process,
		      const struct site *site)
{
	return !text->config.runtime && text_is_of_runtime(process, site);
}

/* "now leaking, was growing", "no longer leaking, 3 goroutines parked". */
static void print_change(struct text *text, const struct verdict_change *change)
{
	char words[VERDICT_CHANGE_TEXT_SIZE];

	if (change->ended)
		snprintf(words, sizeof(words), "ended, was %s",
			 change->was_stopped ? "left of a leak" : verdict_name(change->was));
	else if (change->now == VERDICT_STEADY)
		verdict_change_text(change, words);
	else if (change->was == VERDICT_STEADY || change->was == change->now)
		snprintf(words, sizeof(words), "now %s", verdict_name(change->now));
	else
		snprintf(words, sizeof(words), "now %s, was %s", verdict_name(change->now),
			 verdict_name(change->was));
	layout_text(&text->layout, "CHANGED");
	layout_words(&text->layout, words, 2, CHANGE_INDENT);
	layout_text(&text->layout, ":");
}

/* What the change is about, up to the end of the line. */
static void print_subject(struct text *text, const struct verdict_change *change)
{
	const struct site *site = change->site;
	char words[64];

	if (!site)
		snprintf(words, sizeof(words), "all %ss together", unit_name(change->unit));
	else if (site->kind == SITE_PARK)
		snprintf(words, sizeof(words), "%s in", site->reason);
	else
		snprintf(words, sizeof(words), "%ss created in", unit_name(site->unit));
	layout_words(&text->layout, words, 1, CHANGE_INDENT);
	if (!site) {
		layout_end_line(&text->layout);
		return;
	}
	if (text->layout.column + 1 + WHERE_COLUMNS_MIN > text->layout.width) {
		layout_end_line(&text->layout);
		layout_tab(&text->layout, CHANGE_INDENT);
	} else {
		layout_text(&text->layout, " ");
	}
	text_where(text, site->stack, true);
}

static int print_changes(struct text *text, const struct watched_process *process)
{
	autofree struct verdict_change *changes = NULL;
	size_t count, shown = 0;
	int code = verdict_changes(process, text->config.units, &changes, &count);

	for (size_t i = 0; !code && i < count; i++) {
		/* The first line says that the process has ended. */
		if (process->ended && !changes[i].ended)
			continue;
		if (changes[i].site && is_folded(text, process, changes[i].site))
			continue;
		if (shown++ == text_top(text, count)) {
			layout_text(&text->layout, text_ellipsis(text));
			layout_text(&text->layout, " more has changed");
			layout_end_line(&text->layout);
			break;
		}
		print_change(text, &changes[i]);
		print_subject(text, &changes[i]);
	}
	return code;
}

bool text_has_block(const struct text *text, const struct watched_process *process,
		    const struct site *site)
{
	/* Of a process that has ended nothing is wrong any more. */
	if (process->ended || !unit_is_shown(text->config.units, site->unit) ||
	    is_folded(text, process, site))
		return false;
	return site->verdict.verdict != VERDICT_STEADY || site->verdict.stopped;
}

static int compare_sites(const void *left, const void *right)
{
	const struct site *a = *(const struct site *const *)left;
	const struct site *b = *(const struct site *const *)right;
	double rate_a = a->verdict.evidence.rate_per_minute;
	double rate_b = b->verdict.evidence.rate_per_minute;

	if (a->verdict.verdict != b->verdict.verdict)
		return compare_descending(a->verdict.verdict, b->verdict.verdict);
	if (rate_a > rate_b || rate_a < rate_b)
		return compare_descending(rate_a, rate_b);
	if (site_size(a) != site_size(b))
		return compare_descending(site_size(a), site_size(b));
	if (a->kind != b->kind)
		return -compare_descending(a->kind, b->kind);
	return -compare_descending(a->id.hash, b->id.hash);
}

/* What the head of a block does not say itself: the rate stands before it. */
static void format_evidence(const struct site *site, char words[VERDICT_CHANGE_TEXT_SIZE])
{
	const struct verdict_evidence *evidence = &site->verdict.evidence;

	if (site->kind == SITE_PARK)
		verdict_message(&site->verdict, words, VERDICT_CHANGE_TEXT_SIZE);
	else if (evidence->departed)
		snprintf(words, VERDICT_CHANGE_TEXT_SIZE, "%" PRIu64 " live, %" PRIu64 " ended",
			 evidence->now, evidence->departed);
	else
		snprintf(words, VERDICT_CHANGE_TEXT_SIZE, "%" PRIu64 " live, none ended",
			 evidence->now);
}

/* "LEAK +120/min  1402 parked, oldest 11m42s, none left     site 3fa91c02be77d410" */
static void print_block_head(struct text *text, const struct site *site)
{
	const struct verdict_state *state = &site->verdict;
	bool grows = state->verdict == VERDICT_GROWING;
	double rate = state->evidence.rate_per_minute;
	char words[VERDICT_CHANGE_TEXT_SIZE];
	struct layout *layout = &text->layout;
	/* At the right edge, but not far away on a wide terminal. */
	size_t id_column = TEXT_WIDTH_DEFAULT - SITE_ID_COLUMNS;

	layout_colour(layout, grows ? COLOUR_WARNING : COLOUR_ALARM);
	layout_text(layout, grows ? "GROWING" : "LEAK");
	if (rate >= 0.05) {
		snprintf(words, sizeof(words), "+%.*f/min", rate < 9.95 ? 1 : 0, rate);
		layout_item(layout, words, 1, BLOCK_INDENT);
	}
	layout_colour(layout, COLOUR_NONE);
	format_evidence(site, words);
	layout_words(layout, words, 2, BLOCK_INDENT);
	if (!grows) {
		snprintf(words, sizeof(words), "site %016" PRIx64, site->id.hash);
		if (layout->column + 2 <= id_column && layout->width >= TEXT_WIDTH_DEFAULT)
			layout_tab(layout, id_column - 2);
		layout_item(layout, words, 2, BLOCK_INDENT);
	}
	layout_end_line(layout);
}

/* "chan_send, unbuffered channel, each alone on its own" */
static void print_wait(struct text *text, const struct site *site)
{
	char words[TEXT_OBJECTS_SIZE];

	layout_tab(&text->layout, BLOCK_INDENT);
	layout_text(&text->layout, site->reason);
	if (text_objects_words(site, words)) {
		layout_text(&text->layout, ",");
		layout_words(&text->layout, words, 1, BLOCK_INDENT);
	}
	layout_end_line(&text->layout);
}

static void print_block(struct text *text, const struct site *site)
{
	const struct verdict_subject subject = site_subject(site);
	const bool grows = site->verdict.verdict == VERDICT_GROWING;
	const char *way_out =
		site->verdict.verdict == VERDICT_STEADY ? NULL : verdict_way_out(&subject, grows);
	struct layout *layout = &text->layout;

	print_block_head(text, site);
	if (site->kind == SITE_PARK)
		print_wait(text, site);
	layout_tab(layout, BLOCK_INDENT);
	if (site->kind == SITE_BIRTH)
		layout_text(layout, "created in ");
	text_where(text, site->stack, false);
	/* Who grows only is told in brief, unless all is to be told. */
	if (site->verdict.verdict == VERDICT_LEAKING || !text->config.frames) {
		if (!text->config.frames)
			text_threads(text, site, BLOCK_INDENT);
		text_stack(text, site->stack, BLOCK_INDENT);
		text_creator(text, site, BLOCK_INDENT);
	}
	if (!way_out)
		return;
	layout_tab(layout, BLOCK_INDENT);
	layout_words(layout, way_out, 0, BLOCK_INDENT);
	layout_end_line(layout);
}

static void print_blocks(struct text *text, const struct site **sites, size_t count)
{
	size_t shown = text_top(text, count);
	char line[64];

	if (count)
		qsort(sites, count, sizeof(sites[0]), compare_sites);
	while (shown < count && sites[shown]->verdict.verdict == VERDICT_LEAKING)
		shown++;
	for (size_t i = 0; i < shown; i++)
		print_block(text, sites[i]);
	if (shown == count)
		return;
	snprintf(line, sizeof(line), "%s and %zu more that are not steady", text_ellipsis(text),
		 count - shown);
	layout_text(&text->layout, line);
	layout_end_line(&text->layout);
}

int text_verdicts(struct text *text, const struct watched_process *process)
{
	autofree const struct site **sites =
		calloc(process->sites_count + 1, sizeof(struct site *));
	struct site *site, *next;
	size_t count = 0;
	int code;

	if (!sites)
		return -ENOMEM;
	HASH_ITER (hh, process->sites, site, next)
		if (text_has_block(text, process, site))
			sites[count++] = site;
	print_limits(text, process);
	code = print_changes(text, process);
	if (!code)
		print_blocks(text, sites, count);
	return code;
}
