/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_DWARF_LINKS_H
#define PARKSCOPE_SYMBOLS_DWARF_LINKS_H

#include <stdbool.h>

/*
 * Whether the section names another file that has a part of the DWARF (what dwz shares).
 * libdw opens it by itself at the first attribute that refers to it: a FIFO there blocks, a
 * device notices, and we are root. So a file with such a section must not be read by libdw.
 */
bool dwarf_links_to_file(const char *section);

#endif
