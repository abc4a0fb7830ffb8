/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_LAYOUT_H
#define PARKSCOPE_OUTPUT_TEXT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "output/buffer.h"

/* Lines and columns of the text format. */
struct layout {
	struct buffer *buffer;
	size_t width; /* columns of a line */
	bool ascii;
	bool colour;
	size_t column;   /* of the line that is being written */
	size_t trailing; /* offset behind its last character that is no blank */
};

enum colour {
	COLOUR_NONE,
	COLOUR_HEAD,
	COLOUR_WARNING,
	COLOUR_ALARM,
};

void layout_begin(struct layout *layout, struct buffer *buffer);

/* Text that is known to be safe, as it is. */
void layout_text(struct layout *layout, const char *text);

/* Text that a process controls: escaped, its middle cut out to fit `columns`. */
void layout_hostile(struct layout *layout, const char *text, size_t columns);

/* Blanks up to a column. */
void layout_tab(struct layout *layout, size_t column);

/* Right-aligned in `columns`, which longer text exceeds. */
void layout_right(struct layout *layout, const char *text, size_t columns);

/* The rest of the line up to its width; at least `minimum` columns. */
size_t layout_room(const struct layout *layout, size_t minimum);

/* Text after `gap` blanks, or on a new line indented by `indent` where it does not fit. */
void layout_item(struct layout *layout, const char *text, size_t gap, size_t indent);

/* Text that is known to be safe, broken between words where it does not fit. */
void layout_words(struct layout *layout, const char *text, size_t gap, size_t indent);

/* layout_item() for text that a process controls. */
void layout_hostile_item(struct layout *layout, const char *text, size_t gap, size_t indent);

/* Of what follows, until COLOUR_NONE. */
void layout_colour(struct layout *layout, enum colour colour);

/* Ends the line, without trailing blanks. */
void layout_end_line(struct layout *layout);

#endif
