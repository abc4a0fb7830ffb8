/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_FRAME_TEXT_H
#define PARKSCOPE_INPUT_FRAME_TEXT_H

#include "model/frame.h"

/*
 * Reads what frame_print() wrote, into a zeroed frame of a stack, to which its strings then
 * belong. What cannot be told is a label: printed again, each frame gives the same text.
 * Never empty. -ENOMEM; what was read belongs to the stack all the same.
 */
int frame_text_parse(const char *text, struct frame *frame);

#endif
