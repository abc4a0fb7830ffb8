// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/demangle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit_test.h"

enum {
	SIZE = 512
};

static void assert_demangles(const char *name, const char *expected)
{
	autofree char *text = NULL;

	assert_int_equal(demangle(name, SIZE, &text), 0);
	assert_string_equal(text, expected);
}

static void assert_refused(const char *name)
{
	char *text = NULL;

	assert_int_equal(demangle(name, SIZE, &text), -EINVAL);
	assert_null(text);
}

static void cxx_names_lose_parameters_and_return_types(void **state)
{
	(void)state;
	assert_demangles("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE",
			 "std::condition_variable::wait");
	assert_demangles("_ZNSt6vectorIiSaIiEE9push_backEOi",
			 "std::vector<int, std::allocator<int> >::push_back");
	assert_demangles("_ZN9__gnu_cxxplIcEEvT_", "__gnu_cxx::operator+<char>");
	assert_demangles("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()");
	/* From node 20. */
	assert_demangles(
		"_ZN4node6worker6Worker11StartThreadERKN2v820FunctionCallbackInfoINS2_5Value"
		"EEE",
		"node::worker::Worker::StartThread");
}

static void suffixes_of_cxx_names_stay(void **state)
{
	(void)state;
	assert_demangles("_ZN3foo3barEv.isra.0", "foo::bar.isra.0");
	assert_demangles("_ZN3foo3barEv.cold", "foo::bar.cold");
	assert_demangles("_ZNSt18condition_variable10notify_allEv@@GLIBCXX_3.4.11",
			 "std::condition_variable::notify_all@@GLIBCXX_3.4.11");
}

static void legacy_rust_names_lose_their_hash(void **state)
{
	(void)state;
	assert_demangles("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
			 "core::fmt::Formatter::write_str");
	assert_demangles("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$"
			 "$GT$3bar17h930b740aa94f1d3aE",
			 "<Test + 'static as foo::Bar<Test>>::bar");
	assert_demangles("_ZN3std9panicking3try17h930b740aa94f1d3aE.llvm.1234567",
			 "std::panicking::try");
}

static void rust_v0_names(void **state)
{
	(void)state;
	/* From rustc 1.95. */
	assert_demangles("_RINvNtNtCs6xxl1lAjzDf_1a3foo3bar4deepNCNvB6_4main0EB6_",
			 "a::foo::bar::deep::<a::main::{closure#0}>");
	assert_demangles("_RNCNvCs6xxl1lAjzDf_1a4mains_0B3_", "a::main::{closure#1}");
	assert_demangles("_RNvXNtNtCs6xxl1lAjzDf_1a3foo3barINtB2_1ShENtNtCsgEmfK2I1SDS_4core5clone5"
			 "Clone5cloneB6_.llvm.77",
			 "<a::foo::bar::S<u8> as core::clone::Clone>::clone");
	/* From RFC 2603. */
	assert_demangles("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
			 "utf8_idents::საჭმელად_გემრიელი_სადილი");
}

static void empty_identifiers(void **state)
{
	(void)state;
	assert_demangles("_RNvC03foo", "::foo");
	assert_demangles("_RNvC3foo0", "foo");
}

static void what_is_not_mangled_is_refused(void **state)
{
	static const char *const names[] = {
		"",
		"_",
		"_Z",
		"_R",
		"main",
		"i",
		"__libc_start_main",
		"_ZN",
		"_ZNZNZNZN",
		"_RNv",
		"_RNvMs0_",
		"_ZN3foo",
		"_Z3fo",
		"_ZN99999999999999999999foo3barEv",
		"Z3foov",
		"_RNvCs1234_7mycrate99foo",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_refused(names[i]);
}

static void names_that_do_not_fit_are_cut(void **state)
{
	autofree char *cxx = NULL, *rust = NULL, *empty = NULL;

	(void)state;
	assert_int_equal(demangle("_ZN3foo3barEv", 6, &cxx), 0);
	assert_string_equal(cxx, "foo::");
	assert_int_equal(demangle("_RNvCs1234_7mycrate3foo", 10, &rust), 0);
	assert_string_equal(rust, "mycrate::");
	assert_int_equal(demangle("_ZN3foo3barEv", 1, &empty), 0);
	assert_string_equal(empty, "");
}

static void identifiers_in_punycode_are_cut_without_a_leak(void **state)
{
	autofree char *text = NULL;

	(void)state;
	assert_int_equal(
		demangle("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", 17,
			 &text),
		0);
	assert_string_equal(text, "utf8_idents::ს");
}

/* `count` times `part` between `start` and `end`. */
static char *repeat(const char *start, const char *part, size_t count, const char *end)
{
	char *text = calloc(1, strlen(start) + strlen(part) * count + strlen(end) + 1);

	assert_non_null(text);
	strcpy(text, start);
	for (size_t i = 0; i < count; i++)
		strcat(text, part);
	return strcat(text, end);
}

static void names_that_are_too_long_are_refused(void **state)
{
	autofree char *longest = repeat("_Z999", "a", 999, "v");
	autofree char *cxx = repeat("_Z", "1a", DEMANGLE_NAME_MAX, "v");
	autofree char *rust = repeat("_RNvC1a", "1a", DEMANGLE_NAME_MAX, "");
	autofree char *text = NULL;

	(void)state;
	assert_int_equal(demangle(longest, SIZE, &text), 0);
	assert_int_equal(strlen(text), SIZE - 1);
	assert_refused(cxx);
	assert_refused(rust);
}

/* f<p<int, int>, p<S1_, S1_>, p<S2_, S2_>, …>: each twice as long as the one before. `p`: one byte.
 */
static char *doubling_cxx_name(char p)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *name = calloc(1, DEMANGLE_NAME_MAX);

	assert_non_null(name);
	snprintf(name, DEMANGLE_NAME_MAX, "_Z1fI1%cIiiE", p);
	for (size_t i = 1; i < 34; i++)
		snprintf(name + strlen(name), DEMANGLE_NAME_MAX - strlen(name), "S0_IS%c_S%c_E",
			 digits[i], digits[i]);
	return strcat(name, "Evv");
}

/* "B", a position after "_R" in base 62 less one, "_" (RFC 2603). */
static void append_back_reference(char *name, size_t position)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t value = position - 1;
	char number[4] = {0};

	assert_in_range(value, 0, 62 * 62 - 1);
	if (value < 62)
		number[0] = digits[value];
	else
		number[0] = digits[value / 62], number[1] = digits[value % 62];
	strcat(strcat(strcat(name, "B"), number), "_");
}

/* A tuple of two, then tuples of two back references to the one before. */
static char *doubling_rust_name(void)
{
	char *name = calloc(1, DEMANGLE_NAME_MAX);
	size_t previous = strlen("IC1a");

	assert_non_null(name);
	strcpy(name, "_RIC1aTuuE");
	for (size_t i = 0; i < 50; i++) {
		size_t position = strlen(name) - strlen("_R");

		strcat(name, "T");
		append_back_reference(name, previous);
		append_back_reference(name, previous);
		strcat(name, "E");
		previous = position;
	}
	return strcat(name, "E");
}

static void names_that_stand_for_terabytes_are_cut_at_once(void **state)
{
	autofree char *cxx_name = doubling_cxx_name('p'), *rust_name = doubling_rust_name();
	/* C++ names may hold any byte: none of them keeps us there. */
	autofree char *bytes_name = doubling_cxx_name('\xff');
	autofree char *cxx = NULL, *rust = NULL, *bytes = NULL;

	(void)state;
	assert_int_equal(demangle(cxx_name, SIZE, &cxx), 0);
	assert_int_equal(strlen(cxx), SIZE - 1);
	assert_memory_equal(cxx, "f<p<int, int>, p<p<int, int>, p<int, int> >, ", 45);
	assert_int_equal(demangle(bytes_name, SIZE, &bytes), 0);
	assert_int_equal(strlen(bytes), SIZE - 1);
	assert_int_equal(demangle(rust_name, SIZE, &rust), 0);
	assert_int_equal(strlen(rust), SIZE - 1);
	assert_memory_equal(rust, "a::<((), ()), (((), ()), ((), ())), ", 36);
}

static void deep_names_do_not_exhaust_the_stack(void **state)
{
	autofree char *pointers = repeat("_Z1fIiEv", "P", 900, "i");
	autofree char *arrays = repeat("_Z1f", "A1_", 300, "i");
	autofree char *references = repeat("_RIC1a", "R", 900, "uE");
	const char *const names[] = {pointers, arrays, references};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		autofree char *text = NULL;
		int result = demangle(names[i], SIZE, &text);

		assert_true(result == 0 || result == -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cxx_names_lose_parameters_and_return_types),
		cmocka_unit_test(suffixes_of_cxx_names_stay),
		cmocka_unit_test(legacy_rust_names_lose_their_hash),
		cmocka_unit_test(rust_v0_names),
		cmocka_unit_test(empty_identifiers),
		cmocka_unit_test(what_is_not_mangled_is_refused),
		cmocka_unit_test(names_that_do_not_fit_are_cut),
		cmocka_unit_test(identifiers_in_punycode_are_cut_without_a_leak),
		cmocka_unit_test(names_that_are_too_long_are_refused),
		cmocka_unit_test(names_that_stand_for_terabytes_are_cut_at_once),
		cmocka_unit_test(deep_names_do_not_exhaust_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
