/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_TERMINAL_H
#define PARKSCOPE_COMMANDS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Columns and lines of standard output, a terminal; they stay as they are where it is none. */
void terminal_measure(size_t *width, size_t *height);

/* Whether text has to be ASCII: the locale, which is set from the environment, is not UTF-8. */
bool terminal_wants_ascii(void);

#endif
