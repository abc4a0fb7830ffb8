// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000L

void format_count(uint64_t count, char text[FORMAT_NUMBER_SIZE])
{
	char digits[FORMAT_NUMBER_SIZE];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = '\0';
}

static void format_long_duration(uint64_t seconds, char text[FORMAT_NUMBER_SIZE])
{
	if (seconds < 3600)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "m%" PRIu64 "s", seconds / 60,
			 seconds % 60);
	else if (seconds < 86400)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "h%" PRIu64 "m", seconds / 3600,
			 seconds / 60 % 60);
	else
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "d%" PRIu64 "h", seconds / 86400,
			 seconds / 3600 % 24);
}

void format_duration(uint64_t duration_ns, char text[FORMAT_NUMBER_SIZE])
{
	if (duration_ns < 1000000ULL)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "us", duration_ns / 1000);
	else if (duration_ns < NS_PER_S)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "ms", duration_ns / 1000000);
	else if (duration_ns < 60 * NS_PER_S)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 ".%us", duration_ns / NS_PER_S,
			 (unsigned)(duration_ns / 100000000 % 10));
	else
		format_long_duration(duration_ns / NS_PER_S, text);
}

void format_seconds(double seconds, char text[FORMAT_NUMBER_SIZE])
{
	uint64_t whole = seconds > 0 ? (uint64_t)seconds : 0;

	if (whole < 60)
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 "s", whole);
	else
		format_long_duration(whole, text);
}

void format_bytes(uint64_t bytes, char text[FORMAT_NUMBER_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, FORMAT_NUMBER_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, FORMAT_NUMBER_SIZE, "%.1f %s", value, units[unit]);
}

void format_time(int64_t wall_ns, int decimals, char text[FORMAT_TIME_SIZE])
{
	int64_t seconds = wall_ns / NS_PER_S;
	int64_t rest = wall_ns % NS_PER_S;
	struct tm tm = {0};
	time_t time;
	size_t used;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	time = (time_t)seconds;
	gmtime_r(&time, &tm);
	used = strftime(text, FORMAT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (decimals)
		snprintf(text + used, FORMAT_TIME_SIZE - used, ".%03dZ", (int)(rest / 1000000));
	else
		snprintf(text + used, FORMAT_TIME_SIZE - used, "Z");
}
