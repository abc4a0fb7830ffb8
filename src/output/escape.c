// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the character at `text`, 0 when it is not UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *text, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t value;
	size_t length;

	if (text[0] < 0x80) {
		*code = text[0];
		return 1;
	}
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	value = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		/* A terminator fails here too, so that nothing beyond it is read. */
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3fU);
	}
	if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return length;
}

/* Would move the cursor, end a line, reorder or hide text (UAX #9, UTR #36). */
static bool is_treacherous(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

size_t escape_text(const char *text, bool ascii, char *safe, size_t size)
{
	const unsigned char *next = (const unsigned char *)text;
	size_t used = 0;

	while (*next) {
		char piece[16];
		uint32_t code = 0;
		size_t length = decode(next, &code);
		size_t piece_length;

		if (!length || code < 0x20 || code == 0x7f)
			snprintf(piece, sizeof(piece), "\\x%02x", *next);
		else if (code == '\\')
			strcpy(piece, "\\\\");
		else if (is_treacherous(code) || (ascii && code > 0x7e))
			snprintf(piece, sizeof(piece), "\\u{%x}", code);
		else
			snprintf(piece, sizeof(piece), "%.*s", (int)length, (const char *)next);
		piece_length = strlen(piece);
		if (used + piece_length >= size)
			break;
		memcpy(safe + used, piece, piece_length);
		used += piece_length;
		next += length ? length : 1;
	}
	safe[used] = '\0';
	return used;
}

size_t escape_utf8(const char *text, char *valid, size_t size)
{
	const unsigned char *next = (const unsigned char *)text;
	size_t used = 0;

	while (*next) {
		uint32_t code;
		size_t length = decode(next, &code);
		const char *piece = length ? (const char *)next : "\xef\xbf\xbd";
		size_t piece_length = length ? length : 3;

		if (used + piece_length >= size)
			break;
		memcpy(valid + used, piece, piece_length);
		used += piece_length;
		next += length ? length : 1;
	}
	valid[used] = '\0';
	return used;
}

bool escape_is_utf8(const char *text)
{
	const unsigned char *next = (const unsigned char *)text;

	while (*next) {
		uint32_t code;
		size_t length = decode(next, &code);

		if (!length)
			return false;
		next += length;
	}
	return true;
}

static bool starts_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t escape_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += starts_character(*text);
	return columns;
}

/* Where the character number `column` starts. */
static size_t offset_of_column(const char *text, size_t column)
{
	size_t offset = 0;

	while (text[offset]) {
		if (starts_character(text[offset]) && column-- == 0)
			break;
		offset++;
	}
	return offset;
}

void escape_shorten(char *text, size_t columns, bool ascii)
{
	const char *mark = ascii ? "..." : "\xe2\x80\xa6";
	size_t mark_columns = ascii ? 3 : 1;
	size_t have = escape_columns(text);
	size_t head, cut, tail;

	if (have <= columns)
		return;
	if (columns <= mark_columns) {
		text[offset_of_column(text, columns)] = '\0';
		return;
	}
	/* The front tells more: the tail of a frame is an offset and the module. */
	head = (columns - mark_columns + 1) / 2;
	cut = offset_of_column(text, head);
	tail = offset_of_column(text, have - (columns - mark_columns - head));
	/* Either mark takes three bytes: the text must not get longer than it was. */
	while (tail - cut < 3) {
		if (text[tail])
			tail += offset_of_column(text + tail, 1);
		else
			cut = offset_of_column(text, --head);
	}
	memmove(text + cut + 3, text + tail, strlen(text + tail) + 1);
	memcpy(text + cut, mark, 3);
}
