/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_ESCAPE_H
#define PARKSCOPE_OUTPUT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text that traced processes control, made safe to print. All functions write
 * at most `size` bytes, always terminate (size > 0), never cut a character or
 * an escape, and return the length.
 */

/*
 * For people and terminals: control characters and bytes that are not UTF-8
 * become \xNN; C1 controls, line separators, bidirectional and invisible
 * characters become \u{NNNN}; a backslash is doubled, so that nobody can write
 * something that looks escaped. With `ascii`, so does everything beyond ASCII.
 */
size_t escape_text(const char *text, bool ascii, char *safe, size_t size);

/* For JSON: bytes that are not UTF-8 become U+FFFD; the JSON writer escapes the rest. */
size_t escape_utf8(const char *text, char *valid, size_t size);

/* Whether it is UTF-8 (RFC 3629). */
bool escape_is_utf8(const char *text);

/* Columns of valid UTF-8 on a terminal, taking every character for one. */
size_t escape_columns(const char *text);

/* Cuts the middle out of valid UTF-8, in place, until it fits; `ascii`: "..." marks the cut. */
void escape_shorten(char *text, size_t columns, bool ascii);

#endif
