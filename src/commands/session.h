/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_SESSION_H
#define PARKSCOPE_COMMANDS_SESSION_H

#include "base/cleanup.h"
#include "base/error.h"
#include "commands/formatter.h"
#include "host/features.h"
#include "options.h"
#include "output/recording.h"
#include "output/sink.h"
#include "sources/sources.h"

/* What `watch`, `dump` and `check` need: checked processes, an open sink and format, open sources.
 */
struct session {
	struct host_features features;
	struct run_identity identity;
	struct sink *sink;
	struct formatter *formatter; /* NULL in `check` */
	struct sources *sources;
	struct recording *recording; /* NULL without --record */
};

/*
 * Checks before anything is loaded: root, the host's PID namespace, every
 * process that was named. Then opens everything and writes the format's start,
 * and that of the recording with the first sweep.
 */
int session_open(const struct options *options, bool events, struct session **session,
		 struct error *error);
void session_free(struct session *session);
define_auto_free(session)

#endif
