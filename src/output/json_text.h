/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSON_TEXT_H
#define PARKSCOPE_OUTPUT_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "output/buffer.h"

/*
 * JSON written straight into a buffer, for lines of numbers that are too many to make objects of
 * them first.
 */

void json_text_number(struct buffer *buffer, int64_t number);

/* Nothing is lost: bytes that are not UTF-8 make it an array of one string, of hex digits. */
void json_text_string(struct buffer *buffer, const char *text);

/* "null" for NULL. */
void json_text_optional(struct buffer *buffer, const char *text);

/* `,"key":` or, right behind an opening brace, `"key":`. */
void json_text_key(struct buffer *buffer, const char *key);

/* `,` but right behind an opening bracket. */
void json_text_comma(struct buffer *buffer);

/* With their keys. */
void json_text_put_number(struct buffer *buffer, const char *key, uint64_t number); /* as signed */
void json_text_put_true(struct buffer *buffer, const char *key, bool value); /* false: nothing */
void json_text_put_string(struct buffer *buffer, const char *key, const char *text); /* or NULL */
void json_text_open_array(struct buffer *buffer, const char *key);
void json_text_open_object(struct buffer *buffer, const char *key);

void json_text_item(struct buffer *buffer, uint64_t number); /* of an array, as signed */
void json_text_close_array(struct buffer *buffer);
void json_text_close_object(struct buffer *buffer);

#endif
