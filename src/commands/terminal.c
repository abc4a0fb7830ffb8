// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void terminal_measure(size_t *width, size_t *height)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	*width = size.ws_col;
	*height = size.ws_row;
}

bool terminal_wants_ascii(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}
