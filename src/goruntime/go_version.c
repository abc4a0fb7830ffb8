// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_version.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	/* Releases stay far below; a longer number is no version. */
	NUMBER_DIGITS_MAX = 6,
};

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

static bool is_printable(char character)
{
	return character >= ' ' && character <= '~';
}

/* Takes a decimal number off the front of the text. */
static bool take_number(const char **text, uint32_t *number)
{
	const char *end = *text;
	uint32_t value = 0;
	for (; is_digit(*end); end++) {
		if (end - *text == NUMBER_DIGITS_MAX)
			return false;
		value = value * 10 + (uint32_t)(*end - '0');
	}
	if (end == *text)
		return false;
	*number = value;
	*text = end;
	return true;
}

/*
 * What may follow the numbers: nothing, a pre-release ("rc1", "beta2"), or what a
 * distributor or GOEXPERIMENT added ("-custom", "+auto", " X:boringcrypto").
 */
static bool is_suffix(const char *text)
{
	return *text == '\0' || *text == '-' || *text == '+' || *text == ' ' ||
	       strncmp(text, "rc", 2) == 0 || strncmp(text, "beta", 4) == 0;
}

/* "go1.23.4…" */
static bool parse_release(const char *text, struct go_version *version)
{
	if (strncmp(text, "go1.", 4) != 0)
		return false;
	text += 4;
	if (!take_number(&text, &version->minor))
		return false;
	if (text[0] == '.' && is_digit(text[1])) {
		text++;
		if (!take_number(&text, &version->patch))
			return false;
	}
	return is_suffix(text);
}

static void copy_printable(const char *text, char copy[GO_VERSION_SIZE])
{
	size_t length = 0;
	for (; *text != '\0' && length < GO_VERSION_SIZE - 1; text++) {
		if (is_printable(*text))
			copy[length++] = *text;
	}
	copy[length] = '\0';
}

int go_version_parse(const char *text, struct go_version *version)
{
	struct go_version parsed = {0};
	/* "devel go1.25-0123abc Mon …", and before Go 1.17 "devel +0123abc Mon …". */
	const char *release = text;
	if (strncmp(text, "devel ", 6) == 0) {
		parsed.development = true;
		release = text + 6;
	}
	bool nameless = parsed.development && release[0] == '+';
	if (!nameless && !parse_release(release, &parsed))
		return -EINVAL;
	/* "go1.25-devel_0123abc", as newer toolchains write it. */
	if (strstr(release, "-devel") != NULL)
		parsed.development = true;
	copy_printable(text, parsed.text);
	*version = parsed;
	return 0;
}
