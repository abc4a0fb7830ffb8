/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_DIFF_H
#define PARKSCOPE_OUTPUT_JSONL_DIFF_H

#include <stdbool.h>

#include "model/dump_diff.h"
#include "output/jsonl_records.h"

/* The fields of parkscope.diff records; jsonl_diff() in jsonl.h writes them. */

/* The process that a record is about: the new one, where there is one. false without memory. */
bool record_context_set_diff(struct record_context *context, const struct process_diff *process);

/* Adds process and container, as far as the dump says them. */
void record_add_diff_process(struct record *record, const struct record_context *context);

/* `old` and `new_dump` say when. */
void record_fill_process_diff(struct record *record, const struct dump_diff *diff,
			      const struct process_diff *process, const struct dump *old,
			      const struct dump *new_dump, enum shown_units units);
void record_fill_site_diff(struct record *record, const struct dump_diff *diff,
			   const struct process_diff *process, const struct site_diff *site);

#endif
