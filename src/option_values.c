// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "option_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_NS (365ULL * 24 * 3600 * 1000000000ULL)

int option_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int option_percent(const char *text, double max, double *percent)
{
	size_t length = strspn(text, "0123456789.");
	double value;
	char *end;

	if (!length)
		return -EINVAL;
	value = strtod(text, &end);
	if (end != text + length || (*end && strcmp(end, "%") != 0) || value <= 0 || value > max)
		return -EINVAL;
	*percent = value;
	return 0;
}

int option_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"", 1e9}};
	char *end;
	double value;

	/* No sign, no blank, no "inf", "nan" or hexadecimal. */
	if (strspn(text, "0123456789.") == 0)
		return -EINVAL;
	value = strtod(text, &end);
	if (end != text + strspn(text, "0123456789."))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value * units[i].ns > (double)DURATION_MAX_NS)
			return -EINVAL;
		*ns = (uint64_t)(value * units[i].ns);
		return 0;
	}
	return -EINVAL;
}

int option_size(const char *text, size_t *bytes)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} units[] = {{"K", 10},   {"M", 20},   {"G", 30}, {"KiB", 10},
		     {"MiB", 20}, {"GiB", 30}, {"", 0}};
	size_t digits = strspn(text, "0123456789");
	unsigned long long value;

	if (!digits || digits > 18)
		return -EINVAL;
	value = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].suffix) != 0)
			continue;
		if (value > SIZE_MAX >> units[i].shift)
			return -EINVAL;
		*bytes = (size_t)value << units[i].shift;
		return 0;
	}
	return -EINVAL;
}
