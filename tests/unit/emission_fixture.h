/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_EMISSION_FIXTURE_H
#define PARKSCOPE_TESTS_EMISSION_FIXTURE_H

#include "model_builder.h"
#include "output/emission.h"

/* One process "target" with reports every 5 s, or as often as a test says. */
struct fixture {
	struct emission *emission;
	struct watched_process *process;
	struct report report;
	const struct emission_due *due;
};

static inline struct fixture *fixture_new(bool full, size_t top)
{
	const struct emission_rules rules = {.full = full, .top = top};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->emission = emission_new(&rules);
	assert_non_null(fixture->emission);
	fixture->process = build_process(100, "target");
	fixture->report = (struct report){.interval_s = 5, .events = true};
	return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
	emission_free(fixture->emission);
	watched_process_free(fixture->process);
	free(fixture);
}

/* A report `seconds` after the start. */
static inline const struct emission_due *report_at(struct fixture *fixture, uint64_t seconds)
{
	fixture->report.now_ns = seconds * SECOND_NS;
	assert_int_equal(
		emission_next(fixture->emission, &fixture->report, fixture->process, &fixture->due),
		0);
	emission_end_report(fixture->emission);
	return fixture->due;
}

static inline struct site *park_site(struct fixture *fixture, const char *name)
{
	return build_site(fixture->process, SITE_PARK, "futex", build_stack(name, NULL));
}

static inline struct site *birth_site(struct fixture *fixture, const char *name)
{
	return build_site(fixture->process, SITE_BIRTH, "birth", build_stack(name, NULL));
}

static inline void assert_seconds(double seconds, double expected)
{
	assert_true(seconds > expected - 0.001 && seconds < expected + 0.001);
}

#endif
