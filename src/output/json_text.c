// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/json_text.h"

#include <string.h>

#include "output/escape.h"

/* "-9223372036854775808" */
#define NUMBER_SIZE 20

void json_text_number(struct buffer *buffer, int64_t number)
{
	char digits[NUMBER_SIZE];
	char *first = digits + NUMBER_SIZE;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do
		*--first = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--first = '-';
	buffer_add(buffer, first, (size_t)(digits + NUMBER_SIZE - first));
}

static void add_hex(struct buffer *buffer, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char pair[] = {digits[byte >> 4], digits[byte & 0xf]};

	buffer_add(buffer, pair, sizeof(pair));
}

static void add_as_hex(struct buffer *buffer, const char *text)
{
	buffer_add_text(buffer, "[\"");
	for (; *text; text++)
		add_hex(buffer, (unsigned char)*text);
	buffer_add_text(buffer, "\"]");
}

/* Bytes that stand for themselves. */
static size_t plain_length(const char *text)
{
	size_t length = 0;

	while ((unsigned char)text[length] >= 0x20 && text[length] != '"' && text[length] != '\\')
		length++;
	return length;
}

void json_text_string(struct buffer *buffer, const char *text)
{
	if (!escape_is_utf8(text)) {
		add_as_hex(buffer, text);
		return;
	}
	buffer_add(buffer, "\"", 1);
	for (;;) {
		size_t length = plain_length(text);

		buffer_add(buffer, text, length);
		text += length;
		if (!*text)
			break;
		if (*text == '"' || *text == '\\') {
			buffer_add(buffer, "\\", 1);
			buffer_add(buffer, text, 1);
		} else {
			buffer_add_text(buffer, "\\u00");
			add_hex(buffer, (unsigned char)*text);
		}
		text++;
	}
	buffer_add(buffer, "\"", 1);
}

void json_text_optional(struct buffer *buffer, const char *text)
{
	if (text)
		json_text_string(buffer, text);
	else
		buffer_add_text(buffer, "null");
}

static bool ends_with(const struct buffer *buffer, char byte)
{
	return buffer->length && buffer->data[buffer->length - 1] == byte;
}

void json_text_key(struct buffer *buffer, const char *key)
{
	if (!ends_with(buffer, '{'))
		buffer_add(buffer, ",", 1);
	buffer_add(buffer, "\"", 1);
	buffer_add_text(buffer, key);
	buffer_add_text(buffer, "\":");
}

void json_text_comma(struct buffer *buffer)
{
	if (!ends_with(buffer, '['))
		buffer_add(buffer, ",", 1);
}

void json_text_put_number(struct buffer *buffer, const char *key, uint64_t number)
{
	json_text_key(buffer, key);
	json_text_number(buffer, (int64_t)number);
}

void json_text_put_true(struct buffer *buffer, const char *key, bool value)
{
	if (!value)
		return;
	json_text_key(buffer, key);
	buffer_add_text(buffer, "true");
}

void json_text_put_string(struct buffer *buffer, const char *key, const char *text)
{
	if (!text)
		return;
	json_text_key(buffer, key);
	json_text_string(buffer, text);
}

void json_text_item(struct buffer *buffer, uint64_t number)
{
	json_text_comma(buffer);
	json_text_number(buffer, (int64_t)number);
}

void json_text_open_array(struct buffer *buffer, const char *key)
{
	json_text_key(buffer, key);
	buffer_add(buffer, "[", 1);
}

void json_text_close_array(struct buffer *buffer)
{
	buffer_add(buffer, "]", 1);
}

void json_text_open_object(struct buffer *buffer, const char *key)
{
	json_text_key(buffer, key);
	buffer_add(buffer, "{", 1);
}

void json_text_close_object(struct buffer *buffer)
{
	buffer_add(buffer, "}", 1);
}
