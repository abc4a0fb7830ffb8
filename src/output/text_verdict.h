/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_VERDICT_H
#define PARKSCOPE_OUTPUT_TEXT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "output/text_internal.h"

/* The part of a process's text that says what is wrong with it. */

/* "LEAKING", "GROWING", or "" while steady: whether it stays so is never known. Static. */
const char *text_verdict_word(enum verdict verdict);

/* Whether text_verdicts() tells of the site: it is not steady, or what is left of a leak. */
bool text_has_block(const struct text *text, const struct watched_process *process,
		    const struct site *site);

/*
 * The limits that will be met, what has changed since the last report, a line each, and a block
 * for each site that is not steady: the leaking ones first, then the growing ones, with why
 * the verdict is what it is, where they stand, who made them, and the way out. All that leak are
 * shown, of the others as many as --top says. -ENOMEM.
 */
int text_verdicts(struct text *text, const struct watched_process *process);

#endif
