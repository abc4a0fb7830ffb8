// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/limits_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/report.h"
#include "output/format.h"

/* As an administrator knows them. */
static const char *const kernel_names[LIMIT_KINDS] = {
	[LIMIT_MEMORY_MAX] = "memory.max",  [LIMIT_PIDS_MAX] = "pids.max",
	[LIMIT_NPROC] = "RLIMIT_NPROC",     [LIMIT_THREADS_MAX] = "kernel.threads-max",
	[LIMIT_PID_MAX] = "kernel.pid_max", [LIMIT_MAX_MAP_COUNT] = "vm.max_map_count",
};

static void print_amount(enum limit_kind kind, uint64_t amount, char text[FORMAT_NUMBER_SIZE])
{
	if (kind == LIMIT_MEMORY_MAX)
		format_bytes(amount, text);
	else
		format_count(amount, text);
}

bool limits_text_headline(const struct watched_process *process, char text[LIMITS_TEXT_SIZE])
{
	struct limit_prediction met[LIMIT_KINDS];
	size_t count = report_limits_met(process, met), first = 0;
	char time[FORMAT_NUMBER_SIZE];

	while (first < count && !report_limit_is_own(process, &met[first]))
		first++;
	if (first == count)
		return false;
	format_seconds((double)met[first].until_ns / 1e9, time);
	snprintf(text, LIMITS_TEXT_SIZE, "%s in %s",
		 met[first].kind == LIMIT_MEMORY_MAX ? "OOM" : kernel_names[met[first].kind], time);
	return true;
}

static void print_rss(const struct watched_process *process, char text[LIMITS_TEXT_SIZE])
{
	const struct limit_forecast *forecast = process->forecast;
	const struct site *site = report_worst_site(process);
	double per_minute = limit_forecast_rss_per_minute(forecast);
	double per_unit = site ? limit_forecast_rss_per_unit(forecast, &site->crowd.trend) : 0;
	char rss[FORMAT_NUMBER_SIZE], rate[FORMAT_NUMBER_SIZE + 8] = "";
	char each[FORMAT_NUMBER_SIZE + 16] = "", bytes[FORMAT_NUMBER_SIZE];

	format_bytes(limit_forecast_rss(forecast), rss);
	if (per_minute > 0) {
		format_bytes((uint64_t)per_minute, bytes);
		snprintf(rate, sizeof(rate), "+%s/min", bytes);
	}
	if (per_unit > 0) {
		format_bytes((uint64_t)per_unit, bytes);
		snprintf(each, sizeof(each), "%s a %s", bytes, unit_name(site->unit));
	}
	if (*rate || *each)
		snprintf(text, LIMITS_TEXT_SIZE, "rss %s (%s%s%s)", rss, rate,
			 *rate && *each ? ", " : "", each);
	else
		snprintf(text, LIMITS_TEXT_SIZE, "rss %s", rss);
}

/* Files that it wrote are in its cgroup's memory, too, so not "others" there. */
static const char *whose(const struct watched_process *process, const struct limit_prediction *met)
{
	if (report_limit_is_own(process, met))
		return "";
	return met->kind == LIMIT_MEMORY_MAX ? ", mostly not its rss" : ", mostly by others";
}

bool limits_text_item(const struct watched_process *process, size_t index,
		      char text[LIMITS_TEXT_SIZE])
{
	struct limit_prediction predictions[LIMIT_KINDS];
	char limit[FORMAT_NUMBER_SIZE], used[FORMAT_NUMBER_SIZE], time[FORMAT_NUMBER_SIZE];
	const struct limit_prediction *met;

	if (!watched_process_has_forecast(process))
		return false;
	if (!index) {
		print_rss(process, text);
		return true;
	}
	if (index > report_limits_met(process, predictions))
		return false;
	met = &predictions[index - 1];
	print_amount(met->kind, met->limit, limit);
	print_amount(met->kind, met->used, used);
	format_seconds((double)met->until_ns / 1e9, time);
	snprintf(text, LIMITS_TEXT_SIZE, "%s %s: %s used, met in %s%s", kernel_names[met->kind],
		 limit, used, time, whose(process, met));
	return true;
}
