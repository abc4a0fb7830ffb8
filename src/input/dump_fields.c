// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/dump_fields.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Bytes of a reason; the longest that Go's runtime has is 30. */
#define REASON_MAX 48

bool dump_id_parse(const char *text, uint64_t *id)
{
	uint64_t value = 0;

	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	for (; *text; text++)
		value = value << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	*id = value;
	return true;
}

/* `count` digits up to `max`. */
static bool take_number(const char **text, size_t count, int max, int *number)
{
	int value = 0;

	for (size_t i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = 10 * value + (**text - '0');
	}
	*number = value;
	return value <= max;
}

static bool take(const char **text, char wanted)
{
	return *(*text)++ == wanted;
}

bool dump_time_parse(const char *text, int64_t *wall_ns)
{
	struct tm tm = {0};
	int milliseconds = 0;
	time_t seconds;

	if (!take_number(&text, 4, 2200, &tm.tm_year) || !take(&text, '-') ||
	    !take_number(&text, 2, 12, &tm.tm_mon) || !take(&text, '-') ||
	    !take_number(&text, 2, 31, &tm.tm_mday) || !take(&text, 'T') ||
	    !take_number(&text, 2, 23, &tm.tm_hour) || !take(&text, ':') ||
	    !take_number(&text, 2, 59, &tm.tm_min) || !take(&text, ':') ||
	    !take_number(&text, 2, 60, &tm.tm_sec))
		return false;
	if (*text == '.' && (!take(&text, '.') || !take_number(&text, 3, 999, &milliseconds)))
		return false;
	if (strcmp(text, "Z") != 0 || tm.tm_year < 1970 || !tm.tm_mon || !tm.tm_mday)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	seconds = timegm(&tm);
	*wall_ns = (int64_t)seconds * 1000000000 + milliseconds * 1000000LL;
	return true;
}

bool dump_unit_parse(const char *text, enum unit *unit)
{
	for (enum unit candidate = UNIT_THREAD; text && candidate <= UNIT_GOROUTINE; candidate++) {
		if (strcmp(unit_name(candidate), text) == 0) {
			*unit = candidate;
			return true;
		}
	}
	return false;
}

bool dump_reason_is_valid(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	return length && length <= REASON_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

int dump_copy_text(struct dump *dump, const char *text, char **copy, struct error *error)
{
	int err = dump_take_bytes(dump, strlen(text));

	if (err)
		return dump_add_failed(err, error);
	*copy = strdup(text);
	return *copy ? 0 : dump_add_failed(-ENOMEM, error);
}

int dump_add_failed(int code, struct error *error)
{
	if (code == -E2BIG)
		return error_set(error, code, "it is too large to be compared");
	return error_set(error, code, "out of memory");
}
