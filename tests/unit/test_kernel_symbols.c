// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/kernel_symbols.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

static const char fixture[] = "0000000000000000 A fixed_percpu_data\n"
			      "0000000000001000 D a_datum\n"
			      "ffffffff81000000 T _stext\n"
			      "ffffffff81000000 T _text\n"
			      "ffffffff81000040 t local_function\n"
			      "ffffffff81000100 W weak_alias\n"
			      "ffffffff81000100 t local_alias\n"
			      "ffffffff81000100 T __global_alias\n"
			      "ffffffff81000100 T global_alias\n"
			      "ffffffff81000200 D not_code\n"
			      "ffffffff81000300 T last\n"
			      "ffffffffc0100010 t module_function\t[nf_tables]\n"
			      "ffffffffc0000000 t earlier_module\t[ext4]\n"
			      "ffffffffc0200000 t bpf_prog_0123456789abcdef_park\t[bpf]\n";

static int parse(const char *text, struct kernel_symbols **symbols)
{
	return kernel_symbols_parse(text, strlen(text), symbols, NULL);
}

static void assert_found(const struct kernel_symbols *symbols, uint64_t address, const char *name,
			 uint64_t offset)
{
	struct kernel_symbol symbol;

	assert_true(kernel_symbols_find(symbols, address, &symbol));
	assert_string_equal(symbol.name, name);
	assert_int_equal(symbol.offset, offset);
}

static void functions_are_found(void **state)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol symbol;

	(void)state;
	assert_int_equal(parse(fixture, &symbols), 0);
	assert_int_equal(kernel_symbols_count(symbols), 7);
	assert_found(symbols, 0xffffffff81000041, "local_function", 1);
	assert_found(symbols, 0xffffffff810000ff, "local_function", 0xbf);
	/* Global, and with fewer underscores. */
	assert_found(symbols, 0xffffffff81000100, "global_alias", 0);
	/* Data is not code, so what is there belongs to the function before. */
	assert_found(symbols, 0xffffffff81000200, "global_alias", 0x100);
	assert_false(kernel_symbols_find(symbols, 0xffffffff80ffffff, &symbol));
	assert_false(kernel_symbols_find(symbols, 0x1000, &symbol));
}

static void gaps_have_no_name(void **state)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol symbol;

	(void)state;
	assert_int_equal(parse(fixture, &symbols), 0);
	assert_found(symbols, 0xffffffff81000300 + KERNEL_SYMBOL_SIZE_MAX - 1, "last",
		     KERNEL_SYMBOL_SIZE_MAX - 1);
	assert_false(
		kernel_symbols_find(symbols, 0xffffffff81000300 + KERNEL_SYMBOL_SIZE_MAX, &symbol));
	assert_false(kernel_symbols_find(symbols, UINT64_MAX, &symbol));
}

static void modules_stand_apart_from_names(void **state)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol symbol;

	(void)state;
	assert_int_equal(parse(fixture, &symbols), 0);
	assert_true(kernel_symbols_find(symbols, 0xffffffffc0100018, &symbol));
	assert_string_equal(symbol.name, "module_function");
	assert_string_equal(symbol.module, "nf_tables");
	assert_int_equal(symbol.offset, 8);
	assert_true(kernel_symbols_find(symbols, 0xffffffffc0000004, &symbol));
	assert_string_equal(symbol.module, "ext4");
	assert_true(kernel_symbols_find(symbols, 0xffffffffc0200000, &symbol));
	assert_string_equal(symbol.name, "bpf_prog_0123456789abcdef_park");
	assert_string_equal(symbol.module, "bpf");
	assert_true(kernel_symbols_find(symbols, 0xffffffff81000040, &symbol));
	assert_null(symbol.module);
}

static void hidden_addresses_are_an_error(void **state)
{
	struct kernel_symbols *symbols = NULL;
	struct error error = {0};
	static const char text[] = "0000000000000000 T a\n0000000000000000 t b\t[m]\n";

	(void)state;
	assert_int_equal(kernel_symbols_parse(text, strlen(text), &symbols, &error), -EPERM);
	assert_non_null(strstr(error.text, "kptr_restrict"));
	assert_null(symbols);
}

static void texts_without_functions_are_an_error(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"ffffffff81000000 D data\n",
		"ffffffff81000000 T \n",
		"ffffffff81000000 T",
		"ffffffff81000000T name\n",
		"xyz T name\n",
		"ffffffff810000000 T seventeen_digits\n",
		" T name\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kernel_symbols *symbols = NULL;

		assert_int_equal(parse(texts[i], &symbols), -ENODATA);
		assert_null(symbols);
	}
}

static void odd_modules_do_not_break_names(void **state)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol symbol;

	(void)state;
	assert_int_equal(parse("10 T a\t[]\n20 T b\t[\n30 T c\t\n40 T d\t[m\n50 t e", &symbols), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		char name[2] = {(char)('a' + i - 1), '\0'};

		assert_true(kernel_symbols_find(symbols, 0x10 * i, &symbol));
		assert_string_equal(symbol.name, name);
		assert_null(symbol.module);
	}
}

static void every_prefix_of_the_text_is_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(fixture); size++) {
		auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
		autofree char *copy = malloc(size ? size : 1);
		int result;

		memcpy(copy, fixture, size);
		result = kernel_symbols_parse(copy, size, &symbols, NULL);
		assert_true(result == 0 || result == -ENODATA || result == -EPERM);
	}
}

static void the_kernel_here(void **state)
{
	auto_free(kernel_symbols) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol symbol;
	unsigned long long address;
	char line[512], name[256], type;
	size_t checked = 0;
	autofclose FILE *file = NULL;
	int result = kernel_symbols_load(&symbols, NULL);

	(void)state;
	if (result == -EPERM || result == -ENOENT)
		fail_msg("needs root on the host, with /proc/kallsyms, kthreadd and a vdso");
	assert_int_equal(result, 0);
	assert_true(kernel_symbols_count(symbols) > 10000);
	/* Read the file another way, and find every thousandth global function again. */
	file = fopen("/proc/kallsyms", "re");
	assert_non_null(file);
	for (size_t i = 0; fgets(line, sizeof(line), file); i++) {
		if (i % 1000 != 0 || sscanf(line, "%llx %c %255s", &address, &type, name) != 3 ||
		    type != 'T')
			continue;
		assert_true(kernel_symbols_find(symbols, address, &symbol));
		assert_int_equal(symbol.offset, 0);
		checked++;
	}
	assert_true(checked > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found),
		cmocka_unit_test(gaps_have_no_name),
		cmocka_unit_test(modules_stand_apart_from_names),
		cmocka_unit_test(hidden_addresses_are_an_error),
		cmocka_unit_test(texts_without_functions_are_an_error),
		cmocka_unit_test(odd_modules_do_not_break_names),
		cmocka_unit_test(every_prefix_of_the_text_is_survived),
		cmocka_unit_test(the_kernel_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
