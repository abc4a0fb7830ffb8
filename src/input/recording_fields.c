// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/recording_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input/dump_fields.h"

const char *recording_word(struct recording_words *words, json_t *text)
{
	const char *word = json_string_value(text);
	char *copy;

	if (!dump_reason_is_valid(word))
		return NULL;
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->words[i], word) == 0)
			return words->words[i];
	if (words->count == RECORDING_WORDS_MAX)
		return NULL;
	copy = strdup(word);
	if (copy)
		words->words[words->count++] = copy;
	return copy;
}

void recording_words_clear(struct recording_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->words[i]);
	words->count = 0;
}

int recording_damaged(const char *key, struct error *error)
{
	return error_set(error, -EBADMSG, "'%s' is damaged", key);
}

static bool read_number(json_t *value, int64_t max, uint64_t *number)
{
	json_int_t integer = json_integer_value(value);

	if (!json_is_integer(value) || integer < 0 || integer > max)
		return false;
	*number = (uint64_t)integer;
	return true;
}

int recording_number(json_t *object, const char *key, int64_t max, uint64_t *number,
		     struct error *error)
{
	json_t *value = json_object_get(object, key);

	return !value || read_number(value, max, number) ? 0 : recording_damaged(key, error);
}

int recording_added(json_t *object, const char *key, uint64_t *counter, struct error *error)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value))
		return recording_damaged(key, error);
	*counter += (uint64_t)json_integer_value(value);
	return 0;
}

int recording_flag(json_t *object, const char *key, bool *flag, struct error *error)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return recording_damaged(key, error);
	*flag = json_is_true(value);
	return 0;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int copy_hex(const char *hex, char **text)
{
	size_t length = strlen(hex) / 2;
	autofree char *copy = malloc(length + 1);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0 || !(high | low))
			return -EBADMSG;
		copy[i] = (char)(high << 4 | low);
	}
	if (hex[2 * length])
		return -EBADMSG;
	copy[length] = '\0';
	*text = take_ptr(copy);
	return 0;
}

int recording_copy_text(json_t *value, char **text)
{
	char *copy;

	if (json_array_size(value) == 1 && json_is_string(json_array_get(value, 0)))
		return copy_hex(json_string_value(json_array_get(value, 0)), text);
	if (!json_is_string(value))
		return -EBADMSG;
	copy = strdup(json_string_value(value));
	if (!copy)
		return -ENOMEM;
	*text = copy;
	return 0;
}

int recording_text(json_t *object, const char *key, size_t max, char **text, struct error *error)
{
	json_t *value = json_object_get(object, key);
	autofree char *copy = NULL;
	int err;

	if (!value)
		return 0;
	err = recording_copy_text(value, &copy);
	if (err == -ENOMEM)
		return error_set(error, err, "out of memory");
	if (err || strlen(copy) > max)
		return recording_damaged(key, error);
	free(*text);
	*text = take_ptr(copy);
	return 0;
}

bool recording_item(json_t *array, size_t index, int64_t max, uint64_t *number)
{
	return read_number(json_array_get(array, index), max, number);
}

bool recording_item_any(json_t *array, size_t index, uint64_t *number)
{
	json_t *value = json_array_get(array, index);

	if (!json_is_integer(value))
		return false;
	*number = (uint64_t)json_integer_value(value);
	return true;
}

/* NULL stays NULL. */
static int copy_optional(json_t *value, char **text, size_t *bytes)
{
	int err;

	if (!value || json_is_null(value))
		return 0;
	err = recording_copy_text(value, text);
	if (!err)
		*bytes += strlen(*text) + 1;
	return err;
}

/* [kind, guess, function, module, offset], and perhaps file, line, build id and address. */
static int read_frame(json_t *array, struct frame *frame, size_t *bytes)
{
	uint64_t kind, guess, line = 0;
	size_t size = json_array_size(array);
	int err;

	if ((size != 5 && size != 9) || !recording_item(array, 0, FRAME_LABEL, &kind) ||
	    !recording_item(array, 1, 1, &guess) || !recording_item_any(array, 4, &frame->offset) ||
	    (size == 9 && (!recording_item(array, 6, UINT32_MAX, &line) ||
			   !recording_item_any(array, 8, &frame->address))))
		return -EBADMSG;
	frame->kind = (enum frame_kind)kind;
	frame->guess = guess;
	frame->line = (uint32_t)line;
	err = copy_optional(json_array_get(array, 2), &frame->function, bytes);
	if (!err)
		err = copy_optional(json_array_get(array, 3), &frame->module, bytes);
	if (!err)
		err = copy_optional(json_array_get(array, 5), &frame->file, bytes);
	if (!err)
		err = copy_optional(json_array_get(array, 7), &frame->build_id, bytes);
	/* They have nothing but a name. */
	if (!err && !frame->function &&
	    (frame->kind == FRAME_LABEL || frame->kind == FRAME_INLINED))
		return -EBADMSG;
	return err;
}

int recording_stack(json_t *object, const char *key, struct stack **ret, size_t *bytes,
		    struct error *error)
{
	json_t *array = json_object_get(object, key);
	auto_free(stack) struct stack *stack = NULL;
	int err = 0;

	if (!array)
		return 0;
	if (!json_is_array(array))
		return recording_damaged(key, error);
	stack = stack_new(json_array_size(array));
	*bytes = sizeof(*stack) + json_array_size(array) * sizeof(stack->frames[0]);
	if (!stack)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < stack->count; i++)
		err = read_frame(json_array_get(array, i), &stack->frames[i], bytes);
	if (err == -ENOMEM)
		return error_set(error, err, "out of memory");
	if (err)
		return recording_damaged(key, error);
	*ret = take_ptr(stack);
	return 0;
}
