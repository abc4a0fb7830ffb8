// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/dwarf_links.h"

#include <string.h>

bool dwarf_links_to_file(const char *section)
{
	/*
	 * GNU's, and that of DWARF 5 (7.3.6). libdw takes each also with ".dwo" behind it, with
	 * ".gnu.debuglto_" before it, and compressed, as ".zgnu_debugaltlink": see check_section()
	 * in libdw/dwarf_begin_elf.c.
	 */
	return strstr(section, "gnu_debugaltlink") || strstr(section, "debug_sup");
}
