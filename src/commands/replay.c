// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <string.h>

#include "commands/formatter.h"
#include "input/recording.h"
#include "option_table.h"

/* Where the user says nothing, all is as it was when it was recorded. */
static struct options replay_options(const struct options *given,
				     const struct recording_start *start)
{
	struct options options = *given;

	if (!option_is_given(given, 't'))
		options.top = start->top;
	if (!option_is_given(given, OPTION_UNIT))
		options.units = start->units;
	if (!option_is_given(given, OPTION_LEAK_AFTER))
		options.rules.leak_after_ns = start->leak_after_ns;
	if (!option_is_given(given, OPTION_LEAK_MIN) && start->leak_min)
		options.rules.ladder.entrants_min = options.rules.ladder.entrants_min_aged =
			start->leak_min;
	options.full |= start->full;
	options.runtime_frames |= start->runtime_frames;
	return options;
}

/* Of the host where it was recorded; what we do not know any more is passed over. */
static struct host_features replay_features(const struct recording_start *start)
{
	struct host_features features = {0};
	enum feature feature;

	for (size_t i = 0; i < start->features_count; i++)
		if (!feature_by_name(start->features[i].name, &feature))
			features.has[feature] = start->features[i].available;
	return features;
}

static struct run_identity replay_identity(const struct recording_start *start)
{
	struct run_identity identity;

	memcpy(identity.run_id, start->run_id, sizeof(identity.run_id));
	memcpy(identity.hostname, start->hostname, sizeof(identity.hostname));
	return identity;
}

/* 1 while there is another report. */
static int next_report(struct replay *replay, const struct options *options, struct report *report,
		       struct error *error)
{
	int code = replay_next(replay, &options->rules, report, error);

	if (code < 0)
		error_prefix(error, "%.256s", options->replay);
	return code;
}

static int write_reports(struct replay *replay, const struct options *options,
			 struct formatter *formatter, struct error *error)
{
	struct report report = {.losses = NULL};
	int code;

	while ((code = next_report(replay, options, &report, error)) > 0) {
		code = formatter_report(formatter, &report, error);
		if (code)
			return code;
		replay_end_report(replay);
	}
	if (code < 0)
		return code;
	if (!report.losses)
		return error_set(error, -EBADMSG, "%.256s: there is no report in it",
				 options->replay);
	return formatter_end(formatter, &report, replay_end_reason(replay),
			     replay_end_wall_ns(replay), error);
}

int replay_run(const struct options *given, struct error *error)
{
	auto_free(replay) struct replay *replay = NULL;
	auto_free(sink) struct sink *sink = NULL;
	auto_free(formatter) struct formatter *formatter = NULL;
	const struct recording_start *start;
	struct host_features features;
	struct run_identity identity;
	struct options options;
	int err = replay_open(given->replay, &replay, error);

	if (err)
		return err;
	start = replay_start(replay);
	options = replay_options(given, start);
	features = replay_features(start);
	identity = replay_identity(start);
	err = sink_open(options.output, &sink, error);
	if (!err)
		err = formatter_new(&options, &features, &identity, sink, &formatter, error);
	if (!err)
		err = formatter_start(formatter, start->wall_ns, error);
	return err ? err : write_reports(replay, &options, formatter, error);
}
