// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return code;
	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return code;
}

int error_prefix(struct error *error, const char *format, ...)
{
	char tail[sizeof(error->text)];
	va_list arguments;
	int used;

	if (!error)
		return 0;
	memcpy(tail, error->text, sizeof(tail));
	va_start(arguments, format);
	used = vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used < sizeof(error->text))
		snprintf(error->text + used, sizeof(error->text) - (size_t)used, ": %s", tail);
	return error->code;
}
