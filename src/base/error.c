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
	char context[sizeof(error->text)];
	va_list arguments;
	size_t length;

	if (!error)
		return 0;
	va_start(arguments, format);
	vsnprintf(context, sizeof(context) - strlen(": "), format, arguments);
	va_end(arguments);
	strcat(context, ": ");

	length = strlen(context);
	memmove(error->text + length, error->text, sizeof(error->text) - length);
	memcpy(error->text, context, length);
	error->text[sizeof(error->text) - 1] = '\0';
	return error->code;
}
