// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl_verdict.h"

#include "output/jsonl_fields.h"

/* What only park sites have: ages, and the rung of the ladder. */
static void put_stays(struct record *record, json_t *object, const struct report *report,
		      const struct verdict_evidence *evidence)
{
	record_put(record, object, "oldest_s", value_seconds(evidence->oldest_ns));
	record_put(record, object, "oldest_at_most",
		   json_boolean(evidence->oldest_bound == AGE_AT_MOST));
	record_put(record, object, "oldest_at_least",
		   json_boolean(evidence->oldest_bound == AGE_AT_LEAST));
	record_put(record, object, "age_s", value_seconds(evidence->age_ns));
	record_put(record, object, "entrants", value_count(evidence->entrants));
	record_put(record, object, "ended", value_count(evidence->ended));
	if (evidence->since_ns && evidence->since_ns <= report->now_ns)
		record_put(record, object, "since",
			   value_time(report->wall_ns -
				      (int64_t)(report->now_ns - evidence->since_ns)));
	if (evidence->mean_gap_ns)
		record_put(record, object, "mean_gap_s", value_seconds(evidence->mean_gap_ns));
	if (evidence->until_ns)
		record_put(record, object, "told_after_s", value_seconds(evidence->until_ns));
}

static void put_evidence(struct record *record, const struct report *report,
			 const struct verdict_change *change)
{
	const struct verdict_evidence *evidence = &change->state->evidence;
	json_t *object = record_put_object(record, record->parkscope, "evidence");

	record_put(record, object, "now", value_count(evidence->now));
	record_put(record, object, "rate_per_min", json_real(evidence->rate_per_minute));
	record_put(record, object, "departed", value_count(evidence->departed));
	record_put(record, object, "watched_s", value_seconds(evidence->watched_ns));
	if (change->site && change->site->kind == SITE_PARK)
		put_stays(record, object, report, evidence);
}

/* What the change is about: a site with its stack, or all units of a kind. */
static void put_subject(struct record *record, const struct verdict_change *change)
{
	const struct site *site = change->site;

	record_put(record, record->parkscope, "kind",
		   json_string_nocheck(!site                     ? "process"
				       : site->kind == SITE_PARK ? "park_site"
								 : "birth_site"));
	if (!site) {
		record_put(record, record->parkscope, "unit",
			   json_string_nocheck(unit_name(change->unit)));
		return;
	}
	record_put_site(record, site);
	record_put_stack(record, site->stack);
	if (site->kind == SITE_PARK) {
		record_put_creator(record, site);
		record_put_channel(record, &site->objects);
		record_put_timed(record, site);
	}
}

void record_fill_verdict(struct record *record, const struct report *report,
			 const struct verdict_change *change)
{
	const char *class = verdict_class_name(change->state->class);
	char text[VERDICT_CHANGE_TEXT_SIZE];
	const char *way_out = NULL;

	put_subject(record, change);
	record_put(record, record->parkscope, "verdict",
		   json_string_nocheck(verdict_name(change->now)));
	record_put(record, record->parkscope, "was",
		   json_string_nocheck(verdict_name(change->was)));
	record_put(record, record->parkscope, "stopped", json_boolean(change->stopped));
	record_put(record, record->parkscope, "class", json_string_nocheck(class));
	put_evidence(record, report, change);
	verdict_change_text(change, text);
	record_put(record, record->parkscope, "message", json_string_nocheck(text));
	if (change->site && change->now != VERDICT_STEADY) {
		const struct verdict_subject subject = site_subject(change->site);

		way_out = verdict_way_out(&subject, change->now == VERDICT_GROWING);
	}
	if (way_out)
		record_put(record, record->parkscope, "way_out", json_string_nocheck(way_out));
	if (change->ended)
		record_put(record, record->parkscope, "ended", json_true());
}
