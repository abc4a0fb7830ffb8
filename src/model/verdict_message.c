// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/verdict_message.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_NS     ((uint64_t)1000000000)
#define DURATION_SIZE 32

/* "42s", "11m42s", "3h05m", "4d07h". */
static void print_duration(uint64_t duration_ns, char text[DURATION_SIZE])
{
	uint64_t s = duration_ns / SECOND_NS;

	if (s < 60)
		snprintf(text, DURATION_SIZE, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(text, DURATION_SIZE, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, DURATION_SIZE, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(text, DURATION_SIZE, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
			 s / 3600 % 24);
}

static const char *bound_words(enum age_bound bound)
{
	switch (bound) {
	case AGE_AT_MOST:
		return "at most ";
	case AGE_AT_LEAST:
		return "at least ";
	default:
		return "";
	}
}

/* The ages of rungs are whole minutes but for the first. */
static void print_age(uint64_t age_ns, char text[DURATION_SIZE])
{
	uint64_t s = age_ns / SECOND_NS;

	if (s < 60)
		snprintf(text, DURATION_SIZE, "%" PRIu64 " s", s);
	else
		snprintf(text, DURATION_SIZE, "%" PRIu64 " min", s / 60);
}

/* What of those that stayed has left. */
static void print_left(const struct verdict_evidence *evidence, char *text, size_t size)
{
	char age[DURATION_SIZE];

	print_age(evidence->age_ns, age);
	if (!evidence->departed)
		snprintf(text, size, "none left");
	else if (!evidence->ended)
		snprintf(text, size, "none of %" PRIu64 " left once parked for %s",
			 evidence->entrants, age);
	else
		snprintf(text, size, "%" PRIu64 " of %" PRIu64 " left once parked for %s",
			 evidence->ended, evidence->entrants, age);
}

static void write_leaking(const struct verdict_evidence *evidence, char *text, size_t size)
{
	char oldest[DURATION_SIZE], left[96];

	print_duration(evidence->oldest_ns, oldest);
	print_left(evidence, left, sizeof(left));
	snprintf(text, size, "%" PRIu64 " parked, oldest %s%s, %s", evidence->now,
		 bound_words(evidence->oldest_bound), oldest, left);
}

static void write_growing(const struct verdict_state *state, char *text, size_t size)
{
	const struct verdict_evidence *evidence = &state->evidence;
	uint64_t step_ns = evidence->until_ns < 60 * SECOND_NS ? SECOND_NS : 60 * SECOND_NS;
	char crowd[64], until[DURATION_SIZE];

	if (evidence->departed)
		snprintf(crowd, sizeof(crowd), "%" PRIu64 " parked, %.*f more a minute",
			 evidence->now, evidence->rate_per_minute < 10 ? 1 : 0,
			 evidence->rate_per_minute);
	else
		snprintf(crowd, sizeof(crowd), "none of %" PRIu64 " has left", evidence->now);
	print_age(evidence->until_ns + step_ns - 1, until);
	if (state->class == VERDICT_CLASS_NEVER)
		snprintf(text, size, "%s; such a wait may end at any time", crowd);
	else if (evidence->until_ns)
		snprintf(text, size, "%s; a leak can be told from a filling pool after %s", crowd,
			 until);
	else
		snprintf(text, size, "%s; a leak is not shown", crowd);
}

void verdict_message(const struct verdict_state *state, char *text, size_t size)
{
	if (state->verdict == VERDICT_LEAKING)
		write_leaking(&state->evidence, text, size);
	else if (state->verdict == VERDICT_GROWING)
		write_growing(state, text, size);
	else if (state->stopped)
		snprintf(text, size, "stopped, %" PRIu64 " remain", state->evidence.now);
	else
		snprintf(text, size, "%s", "");
}
