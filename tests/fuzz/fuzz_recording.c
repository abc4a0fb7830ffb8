// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A recording goes through the model, and what it says is written in both formats. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "input/recording.h"
#include "output/jsonl.h"
#include "output/text.h"

struct writers {
	struct sink *sink;
	struct jsonl *jsonl;
	struct text *text;
};

static struct writers *writers(void)
{
	static struct writers writers;
	const struct jsonl_config config = {
		.command = "replay", .version = "0", .hostname = "h", .run_id = "r", .top = 3};
	const struct text_config text_config = {.top = 3, .verbose = true, .details = true};

	if (!writers.sink)
		FUZZ_REQUIRE(!sink_open("/dev/null", &writers.sink, NULL));
	writers.jsonl = jsonl_new(&config, writers.sink);
	writers.text = text_new(&text_config, writers.sink);
	FUZZ_REQUIRE(writers.jsonl && writers.text);
	return &writers;
}

static void check_site(const struct site *site)
{
	const struct verdict_evidence *evidence = &site->verdict.evidence;

	FUZZ_REQUIRE(site->reason && site->stack);
	FUZZ_REQUIRE(isfinite(evidence->rate_per_minute));
	FUZZ_REQUIRE(site->verdict.verdict <= VERDICT_LEAKING);
}

static void check_report(const struct report *report)
{
	FUZZ_REQUIRE(report->interval_s > 0 && report->watched_s > 0);
	for (size_t i = 0; i < report->processes_count; i++) {
		struct site *site, *next;

		HASH_ITER (hh, report->processes[i]->sites, site, next)
			check_site(site);
	}
}

static int replay_all(struct replay *replay, struct writers *to, struct error *error)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct report report;
	int code;

	while ((code = replay_next(replay, &rules, &report, error)) > 0) {
		check_report(&report);
		FUZZ_REQUIRE(!jsonl_report(to->jsonl, &report, NULL));
		FUZZ_REQUIRE(!text_report(to->text, &report, NULL));
		replay_end_report(replay);
	}
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(replay) struct replay *replay = NULL;
	struct error error = {0};
	FILE *file;
	int err;

	if (!size)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_REQUIRE(file);
	err = replay_new(file, &replay, &error);
	FUZZ_REQUIRE((err == 0) == (replay != NULL));
	if (replay) {
		struct writers *to = writers();

		err = replay_all(replay, to, &error);
		FUZZ_REQUIRE(err || replay_end_reason(replay));
		jsonl_free(to->jsonl);
		text_free(to->text);
	}
	fclose(file);
	FUZZ_REQUIRE(err == 0 || err == -EBADMSG || err == -E2BIG);
	FUZZ_REQUIRE(err == 0 || strlen(error.text) > 0);
	return 0;
}
