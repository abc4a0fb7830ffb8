// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/check.h"

#include <math.h>

#define INTERVAL_MIN_NS 500000000ULL
#define INTERVAL_MAX_NS 5000000000ULL
#define SWEEPS          30
/* A crowd that takes so many times as fast a leak is worth mention. */
#define MUCH_MORE 1.5

static bool has_verdict(const struct site *site, enum verdict verdict, bool stopped)
{
	return stopped ? site->verdict.stopped : site->verdict.verdict == verdict;
}

bool check_is_worse(const struct site *a, const struct site *b)
{
	if (a->verdict.verdict != b->verdict.verdict)
		return a->verdict.verdict > b->verdict.verdict;
	if (a->kind != b->kind)
		return a->kind == SITE_PARK;
	if (a->verdict.evidence.rate_per_minute != b->verdict.evidence.rate_per_minute)
		return a->verdict.evidence.rate_per_minute > b->verdict.evidence.rate_per_minute;
	return a->verdict.evidence.now > b->verdict.evidence.now;
}

static void find_sites(const struct watched_process *process, struct check_result *result)
{
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next) {
		if (!has_verdict(site, result->verdict, result->stopped))
			continue;
		result->sites_count += site->kind == SITE_PARK;
		if (!result->site || check_is_worse(site, result->site))
			result->site = site;
	}
}

static bool has_stopped_leak(const struct watched_process *process)
{
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next)
		if (site->verdict.stopped)
			return true;
	return false;
}

static void judge_verdict(const struct watched_process *process, struct check_result *result)
{
	result->verdict = process->verdict;
	if (result->verdict != VERDICT_LEAKING && has_stopped_leak(process)) {
		result->verdict = VERDICT_LEAKING;
		result->stopped = true;
	}
	if (result->verdict != VERDICT_STEADY)
		find_sites(process, result);
}

static void judge_limits(const struct watched_process *process, const struct check_rules *rules,
			 struct check_result *result)
{
	bool goroutines = watched_process_has_goroutines(process);

	result->threads_over = rules->threads_max && process->threads.now > rules->threads_max;
	result->threads_grow_over =
		rules->growth_max > 0 && process->threads.rate_per_minute > rules->growth_max;
	result->goroutines_over = goroutines && rules->goroutines_max &&
				  process->goroutines.now > rules->goroutines_max;
	result->goroutines_grow_over = goroutines && rules->growth_max > 0 &&
				       process->goroutines.rate_per_minute > rules->growth_max;
	result->goroutines_unknown = !goroutines && rules->goroutines_max;
}

static const struct site *largest_crowd(const struct watched_process *process)
{
	const struct site *largest = NULL;
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next)
		if (site->kind == SITE_PARK && !site->runtime &&
		    (!largest || site->crowd.now > largest->crowd.now))
			largest = site;
	return largest;
}

/* Growth counts, too: a leak has to be one or the other. */
static void judge_power_of_both(const struct watched_process *process,
				const struct verdict_watch *watch,
				const struct verdict_rules *rules, struct check_power *power)
{
	double leaking = verdict_power_leaking(VERDICT_CLASS_UNTIMED, watch, rules);
	const struct site *crowd = largest_crowd(process);

	power->any = fmin(verdict_power_growing(0, watch, rules), leaking);
	power->lone_goroutines = INFINITY;
	power->soonest_ns = verdict_power_growing_soonest_ns(watch->interval_ns, rules);
	if (!crowd)
		return;
	power->in_crowd = fmin(verdict_power_growing(crowd->crowd.now, watch, rules), leaking);
	if (power->in_crowd > MUCH_MORE * power->any)
		power->crowd = crowd;
}

static void judge_power_of_leaking(const struct watched_process *process,
				   const struct verdict_watch *watch,
				   const struct verdict_rules *rules, struct check_power *power)
{
	power->any = verdict_power_leaking(VERDICT_CLASS_UNTIMED, watch, rules);
	power->lone_goroutines = INFINITY;
	if (watched_process_has_goroutines(process))
		power->lone_goroutines = verdict_power_leaking(VERDICT_CLASS_PROOF, watch, rules);
	power->soonest_ns =
		verdict_power_soonest_ns(VERDICT_CLASS_UNTIMED, watch->interval_ns, rules);
}

static bool has_limits(const struct check_rules *rules)
{
	return rules->threads_max || rules->goroutines_max || rules->growth_max > 0;
}

static enum check_status status_of(const struct check_result *result, enum check_fail_on fail_on)
{
	if (result->threads_over || result->threads_grow_over || result->goroutines_over ||
	    result->goroutines_grow_over || result->verdict == VERDICT_LEAKING)
		return CHECK_CRITICAL;
	if (result->verdict == VERDICT_GROWING && fail_on != CHECK_FAIL_ON_LEAKING)
		return fail_on == CHECK_FAIL_ON_GROWING ? CHECK_CRITICAL : CHECK_WARNING;
	return result->goroutines_unknown ? CHECK_UNKNOWN : CHECK_OK;
}

struct check_result check_judge(const struct watched_process *process,
				const struct check_rules *rules,
				const struct verdict_rules *verdict_rules, uint64_t interval_ns)
{
	const struct verdict_watch watch = {
		.watched_ns = watched_process_watched_ns(process),
		.interval_ns = interval_ns,
	};
	struct check_result result = {.status = CHECK_OK};

	judge_verdict(process, &result);
	judge_limits(process, rules, &result);
	if (rules->fail_on == CHECK_FAIL_ON_LEAKING)
		judge_power_of_leaking(process, &watch, verdict_rules, &result.power);
	else
		judge_power_of_both(process, &watch, verdict_rules, &result.power);
	result.status = status_of(&result, rules->fail_on);
	result.blind = result.status == CHECK_OK && !has_limits(rules) && isinf(result.power.any) &&
		       isinf(result.power.lone_goroutines);
	if (result.blind)
		result.status = CHECK_UNKNOWN;
	return result;
}

enum check_status check_worse(enum check_status a, enum check_status b)
{
	static const enum check_status order[] = {CHECK_CRITICAL, CHECK_WARNING, CHECK_UNKNOWN};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return CHECK_OK;
}

const char *check_status_name(enum check_status status)
{
	switch (status) {
	case CHECK_OK:
		return "OK";
	case CHECK_WARNING:
		return "WARNING";
	case CHECK_CRITICAL:
		return "CRITICAL";
	default:
		return "UNKNOWN";
	}
}

uint64_t check_interval_ns(uint64_t duration_ns)
{
	uint64_t interval_ns = duration_ns / SWEEPS;

	if (interval_ns < INTERVAL_MIN_NS)
		return INTERVAL_MIN_NS;
	return interval_ns > INTERVAL_MAX_NS ? INTERVAL_MAX_NS : interval_ns;
}
