// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/frame_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a text that is read from its end. */
struct rest {
	const char *text;
	size_t length;
};

static bool take_suffix(struct rest *rest, const char *suffix)
{
	size_t length = strlen(suffix);

	if (rest->length < length ||
	    memcmp(rest->text + rest->length - length, suffix, length) != 0)
		return false;
	rest->length -= length;
	return true;
}

/* The place of the last `mark` in the rest, or its length. */
static size_t find_last(const struct rest *rest, const char *mark)
{
	size_t length = strlen(mark);

	for (size_t i = rest->length >= length ? rest->length - length + 1 : 0; i-- > 0;)
		if (memcmp(rest->text + i, mark, length) == 0)
			return i;
	return rest->length;
}

/* A number up to the end of the text, as printf() writes it. */
static bool read_number(const char *text, size_t length, unsigned int base, uint64_t max,
			uint64_t *number)
{
	uint64_t value = 0;

	if (!length || (length > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, text[i]);
		uint64_t next;

		if (!text[i] || !digit || digit >= digits + base)
			return false;
		next = (uint64_t)(digit - digits);
		if (value > (max - next) / base)
			return false;
		value = value * base + next;
	}
	*number = value;
	return true;
}

/* "NAME+0x1f" at the end of the rest, which NAME is then. */
static bool take_offset(struct rest *rest, uint64_t *offset)
{
	size_t at = find_last(rest, "+0x");

	if (at == 0 || at == rest->length ||
	    !read_number(rest->text + at + 3, rest->length - at - 3, 16, UINT64_MAX, offset))
		return false;
	rest->length = at;
	return true;
}

static int copy(const char *text, size_t length, char **target)
{
	*target = strndup(text, length);
	return *target ? 0 : -ENOMEM;
}

/* "FUNCTION (FILE:LINE)". */
static int parse_line(const struct rest *rest, size_t open, struct frame *frame)
{
	struct rest inside = {rest->text + open + 2, rest->length - open - 3};
	size_t colon = find_last(&inside, ":");
	uint64_t line;
	int err;

	if (colon == 0 || colon == inside.length ||
	    !read_number(inside.text + colon + 1, inside.length - colon - 1, 10, UINT32_MAX, &line))
		return -EINVAL;
	frame->line = (uint32_t)line;
	err = copy(inside.text, colon, &frame->file);
	return err ? err : copy(rest->text, open, &frame->function);
}

/* "FUNCTION+0x1f (MODULE)". */
static int parse_module(const struct rest *rest, size_t open, struct frame *frame)
{
	struct rest function = {rest->text, open};
	int err;

	if (rest->length - open <= 3 || !take_offset(&function, &frame->offset))
		return -EINVAL;
	err = copy(rest->text + open + 2, rest->length - open - 3, &frame->module);
	return err ? err : copy(function.text, function.length, &frame->function);
}

/* What stands before the marks. -EINVAL: none of what is known. */
static int parse_place(struct rest rest, struct frame *frame)
{
	size_t open = find_last(&rest, " (");

	if (rest.length > 2 && strncmp(rest.text, "0x", 2) == 0 &&
	    read_number(rest.text + 2, rest.length - 2, 16, UINT64_MAX, &frame->address))
		return 0;
	if (open && open < rest.length && rest.text[rest.length - 1] == ')') {
		int err = parse_line(&rest, open, frame);

		return err == -EINVAL ? parse_module(&rest, open, frame) : err;
	}
	if (frame->kind == FRAME_INLINED && rest.length)
		return copy(rest.text, rest.length, &frame->function);
	if (!take_offset(&rest, &frame->offset))
		return -EINVAL;
	return copy(rest.text, rest.length,
		    frame->kind == FRAME_KERNEL ? &frame->function : &frame->module);
}

int frame_text_parse(const char *text, struct frame *frame)
{
	struct rest rest = {text, strlen(text)};
	int err;

	if (take_suffix(&rest, " [k]"))
		frame->kind = FRAME_KERNEL;
	else if (take_suffix(&rest, " [?]"))
		frame->guess = true;
	else if (take_suffix(&rest, " (inlined)"))
		frame->kind = FRAME_INLINED;
	/* The kernel's frames have no lines and no modules. */
	if (frame->kind == FRAME_KERNEL && rest.length && rest.text[rest.length - 1] == ')')
		err = -EINVAL;
	else
		err = parse_place(rest, frame);
	if (err != -EINVAL)
		return err;
	*frame = (struct frame){.kind = FRAME_LABEL};
	return copy(text, strlen(text), &frame->function);
}
