// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/libbpf_messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

static char messages[64 * 1024];
static size_t messages_length;

__attribute__((format(printf, 2, 0))) static int keep_message(enum libbpf_print_level level,
							      const char *format, va_list arguments)
{
	size_t room = sizeof(messages) - messages_length;
	int length;

	if (level != LIBBPF_WARN || room <= 1)
		return 0;
	length = vsnprintf(messages + messages_length, room, format, arguments);
	if (length > 0)
		messages_length += (size_t)length < room ? (size_t)length : room - 1;
	return 0;
}

void libbpf_messages_capture(void)
{
	messages_length = 0;
	messages[0] = '\0';
	libbpf_set_print(keep_message);
}

const char *libbpf_messages(void)
{
	return messages;
}
