/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_BUFFER_H
#define PARKSCOPE_OUTPUT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text that grows. Zero-initialised is empty. Without memory it remembers that
 * it failed and takes no more, so that callers check once at the end.
 */
struct buffer {
	char *data; /* not terminated */
	size_t length;
	size_t capacity;
	bool failed;
};

void buffer_add(struct buffer *buffer, const char *text, size_t length);
void buffer_add_text(struct buffer *buffer, const char *text);
__attribute__((format(printf, 2, 3))) void buffer_print(struct buffer *buffer, const char *format,
							...);
void buffer_pad(struct buffer *buffer, size_t blanks);

/* Empties it and forgets a failure; the memory stays. */
void buffer_clear(struct buffer *buffer);
void buffer_release(struct buffer *buffer);

#endif
