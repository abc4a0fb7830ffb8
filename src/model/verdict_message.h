/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_VERDICT_MESSAGE_H
#define PARKSCOPE_MODEL_VERDICT_MESSAGE_H

#include <stddef.h>

#include "model/verdict.h"

/*
 * Writes the evidence as a person reads it, one phrase without a full stop:
 * "1402 parked, oldest 11m42s, none left", "none of 41 has left; a leak can be told from a filling
 * pool after 13 min", "stopped, 310 remain"; "" while steady. Never writes more than `size` bytes,
 * always terminates. 160 are enough. Pure.
 */
void verdict_message(const struct verdict_state *state, char *text, size_t size);

#endif
