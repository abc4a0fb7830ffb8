// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/budget.h"

#include <math.h>
#include <stdio.h>

#define S_NS 1e9
/* Of what walks use, so much is kept for them, so that they can have more. */
#define WALKS_MARGIN 3.0
/* The sampler keeps a CPU below three quarters of its allowance, bpf/wait_sampling.h. */
#define SHARE_MAX (4.0 / 3.0)
/* Many windows. */
#define SPREAD_EVERY_S 0.25
/* Below this part of what they may use, walks are let have more. */
#define SHARE_GROWS_BELOW 0.6
#define SHARE_STEP        2.0
/* A debt is paid back by reports that are put off by so much more, the largest by twice that. */
#define PAY_BACK 1.1
/* A change that is smaller than this is none. */
#define INTERVAL_STEP 1.2
/* Reports come as asked for again when they would do with so much less than there is. */
#define FITS_AGAIN 0.8
/* The part of a new report in the average of what one costs, if that is more, or less. */
#define DEARER_WEIGHT  0.3
#define CHEAPER_WEIGHT 0.5
#define EXCEEDED_FROM  1.1

static double between(double low, double value, double high)
{
	/* NaN is low. */
	if (!(value > low))
		return low;
	return value < high ? value : high;
}

void budget_init(struct budget *budget, const struct budget_config *config)
{
	*budget = (struct budget){.config = *config};
	if (!budget->config.cpus)
		budget->config.cpus = 1;
	budget->config.part = between(1e-6, config->part, budget->config.cpus);
	budget->interval_ns = config->interval_ns;
	budget->savings_s = BUDGET_SAVINGS_S * budget->config.part;
	budget->share = 1.0 / budget->config.cpus;
}

/*
 * For reports and walks together. What was used in the first moments, right after the start, is
 * taken to be all for some seconds.
 */
static double left(const struct budget *budget)
{
	double known = budget->averaged_s / BUDGET_AVERAGE_S;

	return budget->config.part - known * (budget->hooks + budget->rest);
}

static double used_by_reports(const struct budget *budget)
{
	return budget->interval_ns ? budget->report_s * S_NS / (double)budget->interval_ns : 0;
}

/* What walks may use, on all CPUs together. */
static double walks_part(const struct budget *budget)
{
	double whole = budget->config.part;

	return between(BUDGET_WALKS_LEAST * whole, left(budget) - used_by_reports(budget), whole);
}

/* What reports may use, beside walks that use `walks`. */
static double reports_part(const struct budget *budget, double walks)
{
	double whole = budget->config.part;

	return between(BUDGET_REPORTS_LEAST * whole, left(budget) - walks, whole);
}

/* Once they are put off: with room for walks to have more. */
static double reports_share(const struct budget *budget)
{
	double half = left(budget) / 2;

	return reports_part(budget, between(0, WALKS_MARGIN * budget->walks, half));
}

/* By what was used just now, no average: whoever uses too much is to stop at once. */
static void spread(struct budget *budget, double elapsed_s, double walks_s)
{
	double may = walks_part(budget);
	double walks;

	budget->spread_s += elapsed_s;
	budget->walked_s += walks_s;
	if (budget->spread_s < SPREAD_EVERY_S)
		return;
	walks = budget->walked_s / budget->spread_s;
	budget->spread_s = budget->walked_s = 0;

	if (walks > may)
		budget->share *= between(1 / SHARE_STEP, may / walks, 1);
	else if (walks < SHARE_GROWS_BELOW * may)
		budget->share *= between(1, may / walks, SHARE_STEP);
	budget->share = between(1.0 / budget->config.cpus, budget->share, SHARE_MAX);
}

static bool is_stretched(const struct budget *budget)
{
	return budget->interval_ns > budget->config.interval_ns;
}

static double most_savings(const struct budget *budget)
{
	return BUDGET_SAVINGS_S * budget->config.part;
}

/* Times that a person can read. */
static double round_up(double seconds)
{
	double step = seconds > 10 ? 1 : seconds > 1 ? 0.1 : 0.01;

	return ceil(seconds / step - 1e-6) * step;
}

static void decide_interval(struct budget *budget)
{
	double asked_s = (double)budget->config.interval_ns / S_NS;
	double now_s = (double)budget->interval_ns / S_NS;
	double most_s = (double)BUDGET_INTERVAL_MAX_NS / S_NS;
	double fits_s = budget->report_s / reports_share(budget);
	/* Beside walks that make all the room that they can. */
	double least_s =
		budget->report_s / reports_part(budget, BUDGET_WALKS_LEAST * budget->config.part);
	/* That of the report before: this one's is what the interval is for. */
	double debt = between(0, budget->debt_s - budget->report_s, most_savings(budget)) /
		      most_savings(budget);
	bool stretched = is_stretched(budget);

	if (PAY_BACK * asked_s > most_s)
		return;
	if (!stretched && (least_s <= asked_s || budget->savings_s > 0))
		return;
	if (least_s < FITS_AGAIN * asked_s) {
		budget->interval_ns = budget->config.interval_ns;
		return;
	}
	fits_s = round_up(between(PAY_BACK * asked_s, PAY_BACK * (1 + debt) * fits_s, most_s));
	if (!stretched || fits_s > now_s * INTERVAL_STEP || fits_s < now_s / INTERVAL_STEP)
		budget->interval_ns = (uint64_t)(fits_s * S_NS);
}

struct budget_status budget_status(const struct budget *budget)
{
	return (struct budget_status){
		.part = budget->config.part,
		.hooks = budget->hooks,
		.walks = budget->walks,
		.reports = used_by_reports(budget),
		.rest = budget->rest,
		.asked_s = (double)budget->config.interval_ns / S_NS,
		.interval_s = (double)budget->interval_ns / S_NS,
		.exceeded = budget->exceeded,
	};
}

static void decide_exceeded(struct budget *budget)
{
	const struct budget_status status = budget_status(budget);
	double all = budget_used(&status);

	if (all <= budget->config.part)
		budget->exceeded = false;
	else if (all > EXCEEDED_FROM * budget->config.part && budget->savings_s <= 0)
		budget->exceeded = true;
}

static void average(double *value, double sample, double weight)
{
	*value += weight * (sample - *value);
}

/* The first one has to name everything, and says nothing of what the others will cost. */
static void add_report(struct budget *budget, double report_s)
{
	if (budget->reports < 2)
		budget->report_s = report_s;
	else
		average(&budget->report_s, report_s,
			report_s > budget->report_s ? DEARER_WEIGHT : CHEAPER_WEIGHT);
	budget->reports++;
	if (budget->reports > 1)
		decide_interval(budget);
}

static void add(uint64_t *sum, uint64_t value)
{
	*sum = *sum + value < *sum ? UINT64_MAX : *sum + value;
}

void budget_spend(struct budget *budget, const struct budget_use *use)
{
	struct budget_use *period = &budget->pending;
	double elapsed_s, most_s, hooks_s, walks_s, tool_s, reports_s, savings_s, weight;

	add(&period->elapsed_ns, use->elapsed_ns);
	add(&period->hooks_ns, use->hooks_ns);
	add(&period->walks_ns, use->walks_ns);
	add(&period->tool_ns, use->tool_ns);
	add(&period->reports_ns, use->reports_ns);
	if (!period->elapsed_ns)
		return;
	/* No more than all CPUs can be used, whatever clocks say. */
	elapsed_s = (double)period->elapsed_ns / S_NS;
	most_s = elapsed_s * budget->config.cpus;
	walks_s = between(0, (double)period->walks_ns / S_NS, most_s);
	tool_s = between(0, (double)period->tool_ns / S_NS, most_s);
	reports_s = between(0, (double)period->reports_ns / S_NS, tool_s);
	hooks_s = between(0, (double)period->hooks_ns / S_NS, most_s);

	weight = elapsed_s / (elapsed_s + budget->averaged_s);
	budget->averaged_s = between(0, budget->averaged_s + elapsed_s, BUDGET_AVERAGE_S);
	average(&budget->hooks, hooks_s / elapsed_s, weight);
	average(&budget->walks, walks_s / elapsed_s, weight);
	average(&budget->rest, (tool_s - reports_s) / elapsed_s, weight);
	savings_s =
		budget->savings_s + elapsed_s * budget->config.part - hooks_s - walks_s - tool_s;
	budget->savings_s = between(-most_savings(budget), savings_s, most_savings(budget));
	budget->debt_s = between(0, budget->debt_s + reports_s - elapsed_s * reports_share(budget),
				 is_stretched(budget) ? most_savings(budget) : 0);
	if (period->reports_ns)
		add_report(budget, reports_s);
	spread(budget, elapsed_s, walks_s);
	decide_exceeded(budget);
	*period = (struct budget_use){0};
}

uint64_t budget_walk_allowance(const struct budget *budget)
{
	double ns = walks_part(budget) * budget->share * (double)BUDGET_WINDOW_NS;

	return (uint64_t)between(1, ns, (double)BUDGET_WINDOW_NS);
}

uint64_t budget_interval(const struct budget *budget)
{
	return budget->interval_ns;
}

/* "0.04%", "3.2%", "120%". */
static const char *percent(double part, char text[16])
{
	snprintf(text, 16, "%.*f%%", part >= 0.1 ? 0 : part >= 0.01 ? 1 : 2, 100 * part);
	return text;
}

static void exceeded_message(const struct budget_status *status, char text[BUDGET_MESSAGE_SIZE])
{
	char all[16], hooks[16], walks[16], reports[16];

	percent(status->hooks, hooks);
	if (status->hooks > status->part)
		snprintf(text, BUDGET_MESSAGE_SIZE, "exceeded: the hooks alone take %s of a CPU",
			 hooks);
	else
		snprintf(text, BUDGET_MESSAGE_SIZE,
			 "exceeded: %s of a CPU, hooks %s, walks %s, reports %s",
			 percent(budget_used(status), all), hooks, percent(status->walks, walks),
			 percent(status->reports, reports));
}

void budget_message(const struct budget_status *status, char *text, size_t size)
{
	char why[BUDGET_MESSAGE_SIZE] = "";

	if (status->exceeded)
		exceeded_message(status, why);
	if (budget_is_throttled(status))
		snprintf(text, size, "reports every %.4gs, not %.4gs%s%s", status->interval_s,
			 status->asked_s, *why ? "; " : "", why);
	else
		snprintf(text, size, "%s", why);
}
