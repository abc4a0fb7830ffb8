// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/formatter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/terminal.h"
#include "output/go_stacks.h"
#include "output/jsonl.h"
#include "output/pprof.h"
#include "output/text.h"
#include "version.h"

struct formatter {
	const struct options *options;
	const struct run_identity *identity;
	struct sink *sink;
	struct text *text; /* of the formats that keep something between reports */
	struct jsonl *jsonl;

	/* What the jsonl's configuration points to. */
	struct jsonl_feature features[FEATURE_COUNT];
	char degraded[FEATURE_COUNT][256];
	const char *degraded_list[FEATURE_COUNT];
};

void formatter_free(struct formatter *formatter)
{
	if (!formatter)
		return;
	text_free(formatter->text);
	jsonl_free(formatter->jsonl);
	free(formatter);
}

/* As https://no-color.org asks. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;
}

static int open_text(struct formatter *formatter)
{
	const struct options *options = formatter->options;
	bool dump = options->command == COMMAND_DUMP;
	struct text_config config = {
		.top = dump ? 0 : options->top,
		.stacks = dump || options->verbose ? 0 : TEXT_STACKS_DEFAULT,
		.frames = dump || options->verbose ? 0 : TEXT_FRAMES_DEFAULT,
		.details = dump || options->verbose,
		.verbose = options->verbose,
		.runtime = options->runtime_frames,
		.units = options->units,
	};

	if (sink_is_terminal(formatter->sink)) {
		terminal_measure(&config.width, &config.height);
		config.redraw = options->command == COMMAND_WATCH && !options->plain;
		config.colour = wants_colour();
	} else if (dump) {
		config.width = TEXT_WIDTH_UNLIMITED;
	}
	config.ascii = terminal_wants_ascii();
	formatter->text = text_new(&config, formatter->sink);
	return formatter->text ? 0 : -ENOMEM;
}

static int open_jsonl(struct formatter *formatter, const struct host_features *features)
{
	const struct options *options = formatter->options;
	struct jsonl_config config = {
		.command = options->command == COMMAND_DUMP     ? "dump"
			   : options->command == COMMAND_REPLAY ? "replay"
								: "watch",
		.version = PARKSCOPE_VERSION,
		.hostname = formatter->identity->hostname,
		.run_id = formatter->identity->run_id,
		.full = options->full,
		.verbose = options->verbose,
		.top = options->top,
		.units = options->units,
		.features_count = FEATURE_COUNT,
		.features = formatter->features,
		.degraded = formatter->degraded_list,
	};

	for (int i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_info *info = feature_info((enum feature)i);

		formatter->features[i].name = info->name;
		formatter->features[i].available = features->has[i];
		if (features->has[i])
			continue;
		snprintf(formatter->degraded[config.degraded_count], sizeof(formatter->degraded[0]),
			 "%s: %s", info->name, info->without);
		formatter->degraded_list[config.degraded_count] =
			formatter->degraded[config.degraded_count];
		config.degraded_count++;
	}
	formatter->jsonl = jsonl_new(&config, formatter->sink);
	return formatter->jsonl ? 0 : -ENOMEM;
}

/* Of what it needs between reports. */
static int open_format(struct formatter *formatter, const struct host_features *features,
		       struct error *error)
{
	int err = 0;

	switch (formatter->options->format) {
	case FORMAT_TEXT:
		err = open_text(formatter);
		break;
	case FORMAT_JSONL:
		err = open_jsonl(formatter, features);
		break;
	case FORMAT_PPROF:
		if (sink_is_terminal(formatter->sink))
			return error_set(error, -EINVAL,
					 "-f pprof is binary: write it to a file (-o FILE) or a "
					 "pipe, not to a terminal");
		break;
	case FORMAT_GO:
		break;
	}
	return err ? error_set(error, err, "cannot set up the output: %s", strerror(-err)) : 0;
}

int formatter_new(const struct options *options, const struct host_features *features,
		  const struct run_identity *identity, struct sink *sink, struct formatter **ret,
		  struct error *error)
{
	auto_free(formatter) struct formatter *formatter = calloc(1, sizeof(*formatter));
	int err;

	if (!formatter)
		return error_set(error, -ENOMEM, "out of memory");
	formatter->options = options;
	formatter->identity = identity;
	formatter->sink = sink;
	err = open_format(formatter, features, error);
	if (err)
		return err;
	*ret = take_ptr(formatter);
	return 0;
}

int formatter_start(struct formatter *formatter, int64_t wall_ns, struct error *error)
{
	return formatter->jsonl ? jsonl_start(formatter->jsonl, wall_ns, error) : 0;
}

static int report_text(struct formatter *formatter, const struct report *report,
		       struct error *error)
{
	size_t width = 0, height = 0;

	if (sink_is_terminal(formatter->sink)) {
		terminal_measure(&width, &height);
		text_resize(formatter->text, width, height);
	}
	return text_report(formatter->text, report, error);
}

static int report_pprof(struct formatter *formatter, const struct report *report,
			struct error *error)
{
	const struct pprof_config config = {
		.version = PARKSCOPE_VERSION,
		.units = formatter->options->units,
		.runtime = formatter->options->runtime_frames,
	};
	int err = sink_empty(formatter->sink, error);

	return err ? err : pprof_write(report, &config, formatter->sink, error);
}

static int report_go_stacks(struct formatter *formatter, const struct report *report,
			    struct error *error)
{
	const struct go_stacks_config config = {
		.runtime = formatter->options->runtime_frames,
		.labels = formatter->options->verbose,
	};

	return go_stacks_write(report, &config, formatter->sink, error);
}

int formatter_report(struct formatter *formatter, const struct report *report, struct error *error)
{
	switch (formatter->options->format) {
	case FORMAT_JSONL:
		return jsonl_report(formatter->jsonl, report, error);
	case FORMAT_GO:
		return report_go_stacks(formatter, report, error);
	case FORMAT_PPROF:
		return report_pprof(formatter, report, error);
	default:
		return report_text(formatter, report, error);
	}
}

int formatter_end(struct formatter *formatter, const struct report *last, const char *reason,
		  int64_t wall_ns, struct error *error)
{
	const struct run_end end = {
		.wall_ns = wall_ns,
		.watched_s = last->watched_s,
		.reason = reason,
		.losses = last->losses,
		.cost = &last->cost,
	};

	if (formatter->jsonl)
		return jsonl_end(formatter->jsonl, &end, error);
	return formatter->text ? text_end(formatter->text, &end, error) : 0;
}
