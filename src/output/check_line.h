/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_CHECK_LINE_H
#define PARKSCOPE_OUTPUT_CHECK_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/budget.h"
#include "model/check.h"
#include "model/loss.h"
#include "output/buffer.h"

/*
 * What `check` writes: one line as monitoring plugins do (Monitoring Plugins Development
 * Guidelines),
 *	PARKSCOPE OK - name[4711]: 8 threads; no leak of 12/min or more in 1m0s | 'threads'=8;;;0
 * and with -v the evidence in lines below. Whatever processes say is escaped, and a "|", behind
 * which performance data would begin, is written as \x7c. Pure.
 */

struct check_line_config {
	const struct check_rules *rules;
	bool by_pid; /* several processes: labels of performance data begin with the PID */
	bool ascii;
};

/* "name[4711]". */
void check_line_name(struct buffer *text, const struct watched_process *process, bool ascii);

/* "leaking at main.serve, +120/min: 240 parked, oldest 2m0s, none left; 8 threads". */
void check_line_process(struct buffer *text, const struct watched_process *process,
			const struct check_result *result, const struct check_line_config *config);

/* " 'threads'=8;;400;0 'goroutines'=1003;;;0". */
void check_line_performance(struct buffer *text, const struct watched_process *process,
			    const struct check_line_config *config);

/* Lines: every site that is not steady with its stack, and what is used of limits. */
void check_line_details(struct buffer *text, const struct watched_process *process,
			const struct check_line_config *config);

/* Lines: what could not be seen. */
void check_line_losses(struct buffer *text, const struct losses *losses);

/* What had to be done to keep to it, if anything. */
void check_line_budget(struct buffer *text, const struct budget_status *budget);

/* A message of ours that may quote others. */
void check_line_escaped(struct buffer *text, const char *message, bool ascii);

#endif
