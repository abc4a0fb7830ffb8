// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <string.h>

#include "commands/run_identity.h"
#include "commands/terminal.h"
#include "input/dump_file.h"
#include "model/dump_diff.h"
#include "output/diff_text.h"
#include "output/jsonl.h"
#include "output/text.h"
#include "version.h"

static int write_text(const struct options *options, const struct dump_diff *diff,
		      const struct dump *old, const struct dump *new_dump, struct sink *sink,
		      struct error *error)
{
	struct diff_text_config config = {
		.old_path = options->operands[0],
		.new_path = options->operands[1],
		.old = old,
		.new = new_dump,
		.width = TEXT_WIDTH_UNLIMITED,
		.top = options->top,
		.verbose = options->verbose,
		.units = options->units,
		.ascii = terminal_wants_ascii(),
	};
	size_t height = 0;

	if (sink_is_terminal(sink)) {
		config.width = 0;
		terminal_measure(&config.width, &height);
	}
	return diff_text_write(diff, &config, sink, error);
}

static int write_jsonl(const struct options *options, const struct dump_diff *diff,
		       const struct dump *old, const struct dump *new_dump, struct sink *sink,
		       struct error *error)
{
	auto_free(jsonl) struct jsonl *jsonl = NULL;
	struct run_identity identity = {0};
	const struct jsonl_config config = {
		.command = "diff",
		.version = PARKSCOPE_VERSION,
		/* Where the processes are, if NEW says it. */
		.hostname = new_dump->hostname ? new_dump->hostname : identity.hostname,
		.run_id = identity.run_id,
		.full = options->full,
		.top = options->top_given ? options->top : 0,
		.units = options->units,
	};
	int err = run_identity_make(&identity);

	if (err)
		return error_set(error, err, "cannot set up the output: %s", strerror(-err));
	jsonl = jsonl_new(&config, sink);
	if (!jsonl)
		return error_set(error, -ENOMEM, "out of memory");
	return jsonl_diff(jsonl, diff, old, new_dump, error);
}

int diff_run(const struct options *options, bool *differs, struct error *error)
{
	const struct diff_rules rules = {
		.units = options->units,
		.runtime = options->runtime_frames,
	};
	auto_free(dump) struct dump *old = NULL, *new_dump = NULL;
	auto_free(dump_diff) struct dump_diff *diff = NULL;
	auto_free(sink) struct sink *sink = NULL;
	int err = dump_file_read(options->operands[0], &old, error);

	if (!err)
		err = dump_file_read(options->operands[1], &new_dump, error);
	if (err)
		return err;
	diff = dump_diff_new(old, new_dump, &rules);
	if (!diff)
		return error_set(error, -ENOMEM, "out of memory");
	*differs = diff->differs;
	err = sink_open(options->output, &sink, error);
	if (err)
		return err;
	if (options->format == FORMAT_JSONL)
		return write_jsonl(options, diff, old, new_dump, sink, error);
	return write_text(options, diff, old, new_dump, sink, error);
}
