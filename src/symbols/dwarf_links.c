// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/dwarf_links.h"

#include <string.h>

bool dwarf_links_to_file(const char *section)
{
	/* GNU's, and that of DWARF 5 (7.3.6). */
	return strcmp(section, ".gnu_debugaltlink") == 0 || strcmp(section, ".debug_sup") == 0;
}
