/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_RECORDING_PROCESS_H
#define PARKSCOPE_INPUT_RECORDING_PROCESS_H

#include <jansson.h>
#include <uthash.h>

#include "base/error.h"
#include "input/recording_fields.h"
#include "model/report.h"
#include "model/site_sample.h"

/* A process of a recording and its sites, as the lines have described them so far. */

struct replayed_site {
	struct site *site;         /* belongs to the process */
	struct site_sample sample; /* of this sweep */
	struct thread_names names;
};

struct replayed_process {
	uint32_t number; /* in the recording */
	struct watched_process *process;
	uint64_t swept_ns; /* of this sweep */
	uint64_t open_ns[WATCHED_REASONS_MAX];
	struct replayed_limits {
		bool known;
		uint64_t rss_bytes;
		struct {
			bool known;
			uint64_t used, limit;
		} kinds[LIMIT_KINDS];
	} limits; /* of this sweep */
	size_t sites_count, sites_capacity;
	struct replayed_site *sites; /* by number */
	size_t stack_bytes;
	UT_hash_handle hh;
};

/* What sites take of all processes. */
struct replay_usage {
	size_t sites;
	size_t stack_bytes;
};

/* Its first line makes it: `line` must have its identity. -EBADMSG or -ENOMEM. */
int replayed_process_new(json_t *line, uint32_t number, uint64_t now_ns,
			 struct replayed_process **process, struct error *error);
/* Gives back what it took. */
void replayed_process_free(struct replayed_process *process, struct replay_usage *usage);

/* A sweep begins: unless lines say otherwise, all is as it was. */
void replayed_process_begin(struct replayed_process *process, uint64_t now_ns);
int replayed_process_line(struct replayed_process *process, json_t *line,
			  struct recording_words *words, struct error *error);
/* -E2BIG: beyond the limits of input/recording.h. */
int replayed_process_site_line(struct replayed_process *process, json_t *line,
			       struct recording_words *words, struct replay_usage *usage,
			       struct error *error);
/* The sweep has ended: it goes through the model. `now_ns` of the sweep. 0 or -ENOMEM. */
int replayed_process_end(struct replayed_process *process, uint64_t now_ns,
			 const struct verdict_rules *rules);

#endif
