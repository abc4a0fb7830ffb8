/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_RECORDS_H
#define PARKSCOPE_OUTPUT_JSONL_RECORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "output/emission.h"
#include "output/jsonl.h"
#include "output/jsonl_fields.h"

/* The fields of each record. */

/* What all records of a run, of a report and of a process share. Owned references. */
struct record_context {
	json_t *host;
	json_t *ecs;
	json_t *run_id;
	json_t *timestamp;
	json_t *process;
	json_t *container; /* NULL: none */
	uint32_t ns_pid;
	uint32_t exec_id;
};

/* false without memory. */
bool record_context_start(struct record_context *context, const char *hostname, const char *run_id);
bool record_context_set_time(struct record_context *context, int64_t wall_ns);
bool record_context_set_process(struct record_context *context,
				const struct watched_process *process);
void record_context_release(struct record_context *context);

void record_begin(struct record *record, const struct record_context *context, const char *kind,
		  const char *dataset, uint64_t seq, double interval_s);

/* Adds process, container, ns_pid and exec_id. */
void record_add_process(struct record *record, const struct record_context *context);

void record_fill_start(struct record *record, const struct jsonl_config *config);
void record_fill_process(struct record *record, const struct report *report,
			 const struct watched_process *process, const struct emission_process *due);
void record_fill_stack(struct record *record, const struct site *site);
/* `full`: with the stack and the names of the threads. */
void record_fill_site(struct record *record, const struct report *report,
		      const struct emission_site *due, bool full);
void record_fill_other(struct record *record, const struct report *report, enum site_kind kind,
		       enum unit unit, const struct emission_other *other);
void record_fill_cost(struct record *record, const struct own_cost *cost);
void record_fill_loss(struct record *record, const struct losses *losses);
void record_fill_end(struct record *record, const struct run_totals *totals,
		     const struct run_end *end);

#endif
