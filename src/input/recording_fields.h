/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_RECORDING_FIELDS_H
#define PARKSCOPE_INPUT_RECORDING_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/frame.h"

/*
 * The values in the lines of a recording. Where a field is missing nothing is touched; what is
 * not as it must be is -EBADMSG.
 */

/* Times in nanoseconds; sums of two stay in 63 bits. */
#define RECORDING_TIME_MAX (INT64_MAX / 4)

/* Words of a closed list, such as reasons, which the model keeps pointers to. */
#define RECORDING_WORDS_MAX 256

struct recording_words {
	size_t count;
	char *words[RECORDING_WORDS_MAX];
};

/* The same for the same word. NULL: it is none, there are too many, or no memory. */
const char *recording_word(struct recording_words *words, json_t *text);
void recording_words_clear(struct recording_words *words);

/* "'KEY' is damaged"; returns -EBADMSG. */
int recording_damaged(const char *key, struct error *error);

int recording_number(json_t *object, const char *key, int64_t max, uint64_t *number,
		     struct error *error);

/* What is to be added to a counter; it may be less than 0. */
int recording_added(json_t *object, const char *key, uint64_t *counter, struct error *error);

int recording_flag(json_t *object, const char *key, bool *flag, struct error *error);

/* A text of at most `max` bytes; replaces `*text`, which is owned by the caller. */
int recording_text(json_t *object, const char *key, size_t max, char **text, struct error *error);

/* Of an array: a number from 0 to `max`, or any of 64 bits. */
bool recording_item(json_t *array, size_t index, int64_t max, uint64_t *number);
bool recording_item_any(json_t *array, size_t index, uint64_t *number);

/* A copy of a text as json_text_string() writes it; -EBADMSG or -ENOMEM. */
int recording_copy_text(json_t *value, char **text);

/* `*stack` is the caller's to free; `*bytes` is what it takes. */
int recording_stack(json_t *object, const char *key, struct stack **stack, size_t *bytes,
		    struct error *error);

#endif
