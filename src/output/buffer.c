// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 4096;
	char *data;

	if (buffer->failed)
		return false;
	if (buffer->capacity - buffer->length >= more)
		return true;
	while (capacity - buffer->length < more)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_add(struct buffer *buffer, const char *text, size_t length)
{
	if (!length || !make_room(buffer, length))
		return;
	memcpy(buffer->data + buffer->length, text, length);
	buffer->length += length;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int needed;

	va_start(arguments, format);
	needed = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (needed < 0 || !make_room(buffer, (size_t)needed + 1))
		return;
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->length, (size_t)needed + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)needed;
}

void buffer_pad(struct buffer *buffer, size_t blanks)
{
	while (blanks--)
		buffer_add(buffer, " ", 1);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
