// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/check_line.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "model/verdict_class.h"
#include "model/verdict_message.h"
#include "output/escape.h"
#include "output/format.h"
#include "output/limits_text.h"
#include "output/text_parts.h"
#include "output/where.h"

#define FRAME_TEXT_MAX 2048
#define FRAME_SAFE_MAX (4 * FRAME_TEXT_MAX)
#define WHERE_COLUMNS  100
#define RATE_SIZE      32
#define MESSAGE_SIZE   192
#define DETAILED_SITES 5

static void add_without_bar(struct buffer *text, const char *safe)
{
	for (const char *bar; (bar = strchr(safe, '|')); safe = bar + 1) {
		buffer_add(text, safe, (size_t)(bar - safe));
		buffer_add_text(text, "\\x7c");
	}
	buffer_add_text(text, safe);
}

void check_line_escaped(struct buffer *text, const char *message, bool ascii)
{
	char safe[FRAME_SAFE_MAX];

	escape_text(message, ascii, safe, sizeof(safe));
	add_without_bar(text, safe);
}

static void add_frame(struct buffer *text, const struct frame *frame, bool ascii)
{
	char raw[FRAME_TEXT_MAX];

	frame_print(frame, raw, sizeof(raw));
	check_line_escaped(text, raw, ascii);
}

/* The application's function where the site is. */
static void add_where(struct buffer *text, const struct site *site, bool ascii)
{
	const struct stack *stack = site->stack;
	char raw[FRAME_TEXT_MAX], safe[FRAME_SAFE_MAX];
	const struct frame *frame;

	if (!stack->count) {
		buffer_add_text(text, "[no stack]");
		return;
	}
	frame = &stack->frames[where_frame(stack)];
	if (frame->function && !frame->guess)
		snprintf(raw, sizeof(raw), "%s", frame->function);
	else
		frame_print(frame, raw, sizeof(raw));
	escape_text(raw, ascii, safe, sizeof(safe));
	escape_shorten(safe, WHERE_COLUMNS, ascii);
	add_without_bar(text, safe);
}

/* As it is; one decimal below ten. */
static void format_rate(double rate, char text[RATE_SIZE])
{
	snprintf(text, RATE_SIZE, "%.*f/min", fabs(rate) < 9.95 ? 1 : 0, rate);
}

/* Rounded up, so that what is claimed stays true. */
static void format_power(double rate, char text[RATE_SIZE])
{
	if (rate < 10)
		snprintf(text, RATE_SIZE, "%g/min", ceil(rate * 10) / 10);
	else
		snprintf(text, RATE_SIZE, "%.0f/min", ceil(rate));
}

static void add_verdict(struct buffer *text, const struct check_result *result, bool ascii)
{
	const struct site *site = result->site;
	const struct verdict_evidence *evidence = &site->verdict.evidence;
	char message[MESSAGE_SIZE], rate[RATE_SIZE];

	format_rate(evidence->rate_per_minute, rate);
	verdict_message(&site->verdict, message, sizeof(message));
	buffer_print(text, "%s %s ", verdict_name(result->verdict),
		     site->kind == SITE_PARK ? "at" : "in number, made at");
	add_where(text, site, ascii);
	if (!result->stopped)
		buffer_print(text, ", %s%s", evidence->rate_per_minute > 0 ? "+" : "", rate);
	if (site->kind == SITE_PARK)
		buffer_print(text, ": %s", message);
	if (result->sites_count > 1)
		buffer_print(text, "; %zu more such site%s", result->sites_count - 1,
			     result->sites_count == 2 ? "" : "s");
	buffer_add_text(text, "; ");
}

/* "412 threads (more than 400; +30.0/min, more than 10/min)" */
static void add_units(struct buffer *text, const char *name, const struct unit_count *units,
		      uint64_t max, const struct check_rules *rules, bool say_growing)
{
	bool over = max && units->now > max;
	bool grow_over = rules->growth_max > 0 && units->rate_per_minute > rules->growth_max;
	bool growing = say_growing && units->verdict.verdict != VERDICT_STEADY;
	char rate[RATE_SIZE];

	buffer_print(text, "%" PRIu64 " %s%s", units->now, name, units->now == 1 ? "" : "s");
	if (!over && !grow_over && !growing)
		return;
	buffer_add_text(text, " (");
	if (over)
		buffer_print(text, "more than %" PRIu64 "%s", max,
			     grow_over || growing ? "; " : "");
	format_rate(units->rate_per_minute, rate);
	if (grow_over)
		buffer_print(text, "+%s, more than %g/min", rate, rules->growth_max);
	else if (growing)
		buffer_print(text, "growing, +%s", rate);
	buffer_add_text(text, ")");
}

static void add_counts(struct buffer *text, const struct watched_process *process,
		       const struct check_result *result, const struct check_line_config *config)
{
	const struct check_rules *rules = config->rules;
	/* A site says it better. */
	bool say_growing = !result->site;

	add_units(text, "thread", &process->threads, rules->threads_max, rules, say_growing);
	if (watched_process_has_goroutines(process)) {
		buffer_add_text(text, ", ");
		add_units(text, "goroutine", &process->goroutines, rules->goroutines_max, rules,
			  say_growing);
	} else if (process->go_refused) {
		buffer_add_text(text, ", goroutines not read: ");
		check_line_escaped(text, process->go_refused, config->ascii);
	} else if (rules->goroutines_max) {
		buffer_add_text(text, ", no goroutines: not a Go program");
	}
}

/* Which leaks it could have seen. */
static void add_power(struct buffer *text, const struct watched_process *process,
		      const struct check_result *result, bool ascii)
{
	const struct check_power *power = &result->power;
	char rate[RATE_SIZE], watched[FORMAT_NUMBER_SIZE], soonest[FORMAT_NUMBER_SIZE];

	format_seconds((double)watched_process_watched_ns(process) / 1e9, watched);
	format_seconds(ceil((double)power->soonest_ns / 1e9), soonest);
	if (!isinf(power->any)) {
		format_power(power->any, rate);
		buffer_print(text, "; no leak of %s or more in %s", rate, watched);
		if (!power->crowd)
			return;
		if (isinf(power->in_crowd)) {
			buffer_add_text(text, ", none can be told");
		} else {
			format_power(power->in_crowd, rate);
			buffer_print(text, ", of %s", rate);
		}
		buffer_print(text, " in the crowd of %" PRIu64 " at ", power->crowd->crowd.now);
		add_where(text, power->crowd, ascii);
	} else if (!isinf(power->lone_goroutines)) {
		format_power(power->lone_goroutines, rate);
		buffer_print(text,
			     "; no leak of %s or more in %s of goroutines each alone at a "
			     "channel, others take %s",
			     rate, watched, soonest);
	} else {
		buffer_print(text, "; watched for %s, too short to tell a leak", watched);
		if (power->soonest_ns != UINT64_MAX)
			buffer_print(text, ", that takes %s", soonest);
	}
}

void check_line_name(struct buffer *text, const struct watched_process *process, bool ascii)
{
	check_line_escaped(text, process->name ? process->name : "?", ascii);
	buffer_print(text, "[%" PRIu32 "]", process->pid);
}

void check_line_process(struct buffer *text, const struct watched_process *process,
			const struct check_result *result, const struct check_line_config *config)
{
	if (result->site)
		add_verdict(text, result, config->ascii);
	add_counts(text, process, result, config);
	/* What is wrong already needs no limits of what could be. */
	if (result->verdict == VERDICT_STEADY || result->status == CHECK_OK || result->blind)
		add_power(text, process, result, config->ascii);
}

/* Units at park sites with the verdict, or of leaks that have stopped but stay. */
static uint64_t parked_with(const struct watched_process *process, enum verdict verdict)
{
	struct site *site, *next;
	uint64_t count = 0;

	HASH_ITER (hh, process->sites, site, next)
		if (site->kind == SITE_PARK &&
		    (site->verdict.verdict == verdict ||
		     (site->verdict.stopped && verdict == VERDICT_LEAKING)))
			count += site->crowd.now;
	return count;
}

static void add_label(struct buffer *text, const struct watched_process *process, const char *name,
		      const struct check_line_config *config)
{
	if (config->by_pid)
		buffer_print(text, " '%" PRIu32 "_%s'=", process->pid, name);
	else
		buffer_print(text, " '%s'=", name);
}

static void add_number(struct buffer *text, const struct watched_process *process, const char *name,
		       uint64_t number, uint64_t max, const struct check_line_config *config)
{
	add_label(text, process, name, config);
	buffer_print(text, "%" PRIu64 ";;", number);
	if (max)
		buffer_print(text, "%" PRIu64, max);
	buffer_add_text(text, ";0");
}

/* "~:10": to fall is no alert. */
static void add_growth(struct buffer *text, const struct watched_process *process, const char *name,
		       double rate, const struct check_line_config *config)
{
	add_label(text, process, name, config);
	buffer_print(text, "%.2f", rate);
	if (config->rules->growth_max > 0)
		buffer_print(text, ";;~:%g", config->rules->growth_max);
}

void check_line_performance(struct buffer *text, const struct watched_process *process,
			    const struct check_line_config *config)
{
	const struct check_rules *rules = config->rules;

	add_number(text, process, "threads", process->threads.now, rules->threads_max, config);
	add_growth(text, process, "thread_growth", process->threads.rate_per_minute, config);
	if (watched_process_has_goroutines(process)) {
		add_number(text, process, "goroutines", process->goroutines.now,
			   rules->goroutines_max, config);
		add_growth(text, process, "goroutine_growth", process->goroutines.rate_per_minute,
			   config);
	}
	add_number(text, process, "growing", parked_with(process, VERDICT_GROWING), 0, config);
	add_number(text, process, "leaking", parked_with(process, VERDICT_LEAKING), 0, config);
}

static bool is_of_interest(const struct site *site)
{
	return site->verdict.verdict != VERDICT_STEADY || site->verdict.stopped;
}

/* The worst ones, the worst first; how many there are. */
static size_t worst_sites(const struct watched_process *process,
			  const struct site *worst[DETAILED_SITES])
{
	struct site *site, *next;
	size_t count = 0;

	HASH_ITER (hh, process->sites, site, next) {
		size_t i = count;

		if (!is_of_interest(site))
			continue;
		if (count < DETAILED_SITES)
			count++;
		else if (!check_is_worse(site, worst[--i]))
			continue;
		for (; i && check_is_worse(site, worst[i - 1]); i--)
			worst[i] = worst[i - 1];
		worst[i] = site;
	}
	return count;
}

static void add_stack(struct buffer *text, const struct site *site, bool ascii)
{
	for (size_t i = 0; i < site->stack->count; i++) {
		/* They are the same for every wait of a kind. */
		if (site->stack->frames[i].kind == FRAME_KERNEL)
			continue;
		buffer_add_text(text, "    ");
		add_frame(text, &site->stack->frames[i], ascii);
		buffer_add_text(text, "\n");
	}
	if (!site->creator || !site->creator->count)
		return;
	buffer_add_text(text, "    created by ");
	add_frame(text, &site->creator->frames[site->creator->count - 1], ascii);
	buffer_print(text, "%s\n", site->creators_differ ? " and others" : "");
}

static void add_site(struct buffer *text, const struct site *site, bool ascii)
{
	const struct verdict_subject subject = site_subject(site);
	const bool grows = site->verdict.verdict == VERDICT_GROWING;
	const char *way_out = verdict_way_out(&subject, grows);
	char objects[TEXT_OBJECTS_SIZE], message[MESSAGE_SIZE];

	buffer_print(text, "%s: %" PRIu64 " %s%s, %s\n",
		     site->verdict.stopped ? "leak" : verdict_name(site->verdict.verdict),
		     site_size(site), unit_name(site->unit), site_size(site) == 1 ? "" : "s",
		     site->kind == SITE_PARK ? site->reason : "made here");
	if (site->kind == SITE_PARK) {
		verdict_message(&site->verdict, message, sizeof(message));
		buffer_print(text, "  %s\n", message);
	}
	if (text_objects_words(site, objects))
		buffer_print(text, "  %s\n", objects);
	if (way_out && site->kind == SITE_PARK)
		buffer_print(text, "  %s\n", way_out);
	add_stack(text, site, ascii);
}

void check_line_details(struct buffer *text, const struct watched_process *process,
			const struct check_line_config *config)
{
	const struct site *sites[DETAILED_SITES];
	size_t count = worst_sites(process, sites);
	char limit[LIMITS_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		add_site(text, sites[i], config->ascii);
	for (size_t i = 0; limits_text_item(process, i, limit); i++)
		buffer_print(text, "%s\n", limit);
}

void check_line_losses(struct buffer *text, const struct losses *losses)
{
	for (size_t i = 0; i < losses->count; i++)
		buffer_print(text, "not seen: %s %" PRIu64 "\n", losses->items[i].cause,
			     losses->items[i].total);
}

void check_line_budget(struct buffer *text, const struct budget_status *budget)
{
	char message[BUDGET_MESSAGE_SIZE];

	budget_message(budget, message, sizeof(message));
	if (*message)
		buffer_print(text, "budget: %s\n", message);
}
