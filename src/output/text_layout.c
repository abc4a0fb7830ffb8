// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/text_layout.h"

#include <stdio.h>
#include <string.h>

#include "output/escape.h"

/* Bytes of one escaped string; a line has far fewer columns. */
#define ESCAPED_MAX 4096

void layout_begin(struct layout *layout, struct buffer *buffer)
{
	layout->buffer = buffer;
	layout->column = 0;
	layout->trailing = buffer->length;
}

void layout_text(struct layout *layout, const char *text)
{
	size_t length = strlen(text), blanks = 0;

	buffer_add(layout->buffer, text, length);
	layout->column += escape_columns(text);
	while (blanks < length && text[length - 1 - blanks] == ' ')
		blanks++;
	if (blanks < length)
		layout->trailing = layout->buffer->length - blanks;
}

void layout_hostile(struct layout *layout, const char *text, size_t columns)
{
	char safe[ESCAPED_MAX];

	escape_text(text, layout->ascii, safe, sizeof(safe));
	escape_shorten(safe, columns, layout->ascii);
	layout_text(layout, safe);
}

void layout_tab(struct layout *layout, size_t column)
{
	if (layout->column >= column)
		return;
	buffer_pad(layout->buffer, column - layout->column);
	layout->column = column;
}

void layout_right(struct layout *layout, const char *text, size_t columns)
{
	size_t have = escape_columns(text);

	if (have < columns)
		layout_tab(layout, layout->column + columns - have);
	layout_text(layout, text);
}

size_t layout_room(const struct layout *layout, size_t minimum)
{
	size_t room = layout->width > layout->column ? layout->width - layout->column : 0;

	return room > minimum ? room : minimum;
}

void layout_item(struct layout *layout, const char *text, size_t gap, size_t indent)
{
	if (layout->column + gap + escape_columns(text) > layout->width) {
		layout_end_line(layout);
		layout_tab(layout, indent);
	} else if (layout->column) {
		layout_tab(layout, layout->column + gap);
	}
	layout_text(layout, text);
}

void layout_words(struct layout *layout, const char *text, size_t gap, size_t indent)
{
	while (*text) {
		size_t length = strcspn(text, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)length, text);
		layout_item(layout, word, gap, indent);
		gap = 1;
		text += length + strspn(text + length, " ");
	}
}

void layout_hostile_item(struct layout *layout, const char *text, size_t gap, size_t indent)
{
	char safe[ESCAPED_MAX];

	escape_text(text, layout->ascii, safe, sizeof(safe));
	escape_shorten(safe, layout->width > indent ? layout->width - indent : 1, layout->ascii);
	layout_item(layout, safe, gap, indent);
}

void layout_colour(struct layout *layout, enum colour colour)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[33m", "\033[0;1;31m"};

	if (!layout->colour)
		return;
	buffer_add_text(layout->buffer, codes[colour]);
	layout->trailing = layout->buffer->length;
}

void layout_end_line(struct layout *layout)
{
	layout->buffer->length = layout->trailing;
	buffer_add(layout->buffer, "\n", 1);
	layout_begin(layout, layout->buffer);
}
