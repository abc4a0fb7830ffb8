/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_PARTS_H
#define PARKSCOPE_OUTPUT_TEXT_PARTS_H

#include "output/text_internal.h"
#include "output/wait_objects_text.h"

/*
 * The lines below a site that say more of it, each indented by `indent`. They print nothing
 * where nothing is known.
 */

/* A frame, cut to what is left of the line, which goes on. */
void text_frame(struct text *text, const struct frame *frame);

/* The whole stack, or the first callers of the frame that text_where() shows. */
void text_stack(struct text *text, const struct stack *stack, size_t indent);

/* "threads: http-nio-* (200), main": who stands there; one thread by its id and name. */
void text_threads(struct text *text, const struct site *site, size_t indent);

#define TEXT_OBJECTS_SIZE (WAIT_OBJECTS_TEXT_SIZE + 16)

/* "one futex, shared by all, with a timeout"; false, and an empty text: nothing is known. */
bool text_objects_words(const struct site *site, char words[TEXT_OBJECTS_SIZE]);

/* The same as a line, where it is known what the crowd waits for. */
void text_objects(struct text *text, const struct site *site, size_t indent);

/* "created by main.serve (main.go:29) and others": the go statement. */
void text_creator(struct text *text, const struct site *site, size_t indent);

#endif
