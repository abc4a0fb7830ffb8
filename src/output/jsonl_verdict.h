/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_VERDICT_H
#define PARKSCOPE_OUTPUT_JSONL_VERDICT_H

#include "model/verdict_change.h"
#include "output/jsonl_fields.h"

/* The fields of a change of verdict, below `parkscope`. Times are of the report's wall clock. */
void record_fill_verdict(struct record *record, const struct report *report,
			 const struct verdict_change *change);

#endif
