// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/dwarf_links.h"

#include "unit_test.h"

static void sections_that_name_files(void **state)
{
	(void)state;
	assert_true(dwarf_links_to_file(".gnu_debugaltlink"));
	assert_true(dwarf_links_to_file(".debug_sup"));
	assert_true(dwarf_links_to_file(".gnu_debugaltlink.dwo"));
	assert_true(dwarf_links_to_file(".zgnu_debugaltlink"));
	assert_true(dwarf_links_to_file(".gnu.debuglto_.gnu_debugaltlink"));
	/* libdw alone does not follow this one. */
	assert_false(dwarf_links_to_file(".gnu_debuglink"));
	assert_false(dwarf_links_to_file(".debug_info"));
	assert_false(dwarf_links_to_file(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_that_name_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
