// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_version.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

static void assert_release(const char *text, uint32_t minor, uint32_t patch)
{
	struct go_version version;

	assert_int_equal(go_version_parse(text, &version), 0);
	assert_int_equal(version.minor, minor);
	assert_int_equal(version.patch, patch);
	assert_false(version.development);
	assert_string_equal(version.text, text);
}

static void releases_are_read(void **state)
{
	(void)state;
	assert_release("go1.19.8", 19, 8);
	assert_release("go1.15", 15, 0);
	assert_release("go1.24rc1", 24, 0);
	assert_release("go1.18beta2", 18, 0);
	assert_release("go1.23.1 X:boringcrypto", 23, 1);
	assert_release("go1.22.5-custom", 22, 5);
	assert_release("go1.22.12+auto", 22, 12);
	assert_release("go1.100.200", 100, 200);
}

static void assert_development(const char *text, uint32_t minor)
{
	struct go_version version;

	assert_int_equal(go_version_parse(text, &version), 0);
	assert_int_equal(version.minor, minor);
	assert_true(version.development);
}

static void development_versions_are_told(void **state)
{
	(void)state;
	assert_development("devel go1.25-0123abc Mon Jan 2 15:04:05 2025 +0000", 25);
	assert_development("devel +abc", 0);
	assert_development("devel +0123abc Mon Jan 2 15:04:05 2020 +0000", 0);
	assert_development("go1.26-devel_0123abc Mon Jan 2 15:04:05 2025", 26);
}

static void what_is_no_version_is_refused(void **state)
{
	static const char *const texts[] = {
		"",       "go",      "go1",     "go1.",    "go2.1",       "1.19.8",
		"go1.x",  "go1.19x", "go1.19.", "devel",   "devel ",      "devel abc",
		"go1.-1", "go1. 19", "GO1.19",  " go1.19", "go1.1234567", "go1.1.1234567",
	};
	struct go_version version = {.minor = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(go_version_parse(texts[i], &version), -EINVAL);
		assert_int_equal(version.minor, 7);
	}
}

static void texts_are_cut_and_printable(void **state)
{
	struct go_version version;
	char text[200] = "go1.20 \x1b[31m\n\xc3\xa4";

	(void)state;
	assert_int_equal(go_version_parse(text, &version), 0);
	assert_string_equal(version.text, "go1.20 [31m");
	memset(text + 7, 'x', sizeof(text) - 8);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(go_version_parse(text, &version), 0);
	assert_int_equal(strlen(version.text), GO_VERSION_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases_are_read),
		cmocka_unit_test(development_versions_are_told),
		cmocka_unit_test(what_is_no_version_is_refused),
		cmocka_unit_test(texts_are_cut_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
