// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "debugdata_fixture.h"

static const struct elf_symbols_options no_debug_files = {.debug_directory = ""};

static struct elf_symbols *load(const struct elf_fixture *file)
{
	struct elf_symbols *symbols = NULL;

	assert_int_equal(elf_symbols_load_memory(file, sizeof(*file), &symbols, NULL), 0);
	return symbols;
}

static void assert_name(const struct elf_symbols *symbols, uint64_t text_offset, const char *name)
{
	struct elf_symbol symbol;

	assert_true(elf_symbols_find(symbols, FIXTURE_TEXT_VADDR + text_offset, &symbol));
	assert_string_equal(symbol.name, name);
	assert_in_range(FIXTURE_TEXT_VADDR + text_offset, symbol.address,
			symbol.address + symbol.size - 1);
}

static void assert_no_name(const struct elf_symbols *symbols, uint64_t text_offset)
{
	struct elf_symbol symbol;

	assert_false(elf_symbols_find(symbols, FIXTURE_TEXT_VADDR + text_offset, &symbol));
}

static void addresses_are_found_only_inside(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "second", 0x100, 0x20);
	elf_fixture_function(&file, "first", 0x10, 0x10);
	symbols = load(&file);
	assert_int_equal(elf_symbols_count(symbols), 2);
	assert_string_equal(elf_symbols_build_id(symbols), "deadbeef01020304");
	assert_no_name(symbols, 0xf);
	assert_name(symbols, 0x10, "first");
	assert_name(symbols, 0x1f, "first");
	assert_no_name(symbols, 0x20);
	assert_name(symbols, 0x11f, "second");
	assert_no_name(symbols, 0x120);
}

static void only_code_counts(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_symbol(&file, "ifunc", 0x0, 4, STB_GLOBAL, STT_GNU_IFUNC, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "object", 0x10, 4, STB_GLOBAL, STT_OBJECT, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "undefined", 0x20, 4, STB_GLOBAL, STT_FUNC, SHN_UNDEF);
	elf_fixture_symbol(&file, "data_label", 0x30, 4, STB_GLOBAL, STT_NOTYPE, FIXTURE_DATA);
	elf_fixture_symbol(&file, "label", 0x40, 4, STB_GLOBAL, STT_NOTYPE, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "$x", 0x50, 0, STB_LOCAL, STT_NOTYPE, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "$d.7", 0x60, 0, STB_LOCAL, STT_NOTYPE, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "", 0x70, 4, STB_GLOBAL, STT_FUNC, FIXTURE_TEXT);
	symbols = load(&file);
	assert_int_equal(elf_symbols_count(symbols), 2);
	assert_name(symbols, 0x0, "ifunc");
	assert_name(symbols, 0x40, "label");
}

static void symbols_without_size_end_at_the_next(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_symbol(&file, "start", 0x10, 0, STB_GLOBAL, STT_NOTYPE, FIXTURE_TEXT);
	elf_fixture_function(&file, "sized", 0x30, 0x20);
	elf_fixture_symbol(&file, "label_inside", 0x38, 0, STB_LOCAL, STT_NOTYPE, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "last", 0x60, 0, STB_GLOBAL, STT_FUNC, FIXTURE_TEXT);
	elf_fixture_symbol(&file, "outside", FIXTURE_TEXT_SIZE, 0, STB_GLOBAL, STT_FUNC,
			   FIXTURE_TEXT);
	symbols = load(&file);
	assert_name(symbols, 0x10, "start");
	assert_name(symbols, 0x2f, "start");
	assert_name(symbols, 0x38, "sized");
	assert_no_name(symbols, 0x50);
	assert_name(symbols, FIXTURE_TEXT_SIZE - 1, "last");
	assert_no_name(symbols, FIXTURE_TEXT_SIZE);
}

static void nested_symbols(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "outer", 0x10, 0x100);
	elf_fixture_function(&file, "inner", 0x20, 0x10);
	symbols = load(&file);
	assert_name(symbols, 0x1f, "outer");
	assert_name(symbols, 0x20, "inner");
	assert_name(symbols, 0x30, "outer");
	assert_no_name(symbols, 0x110);
}

static void the_choice_between_aliases_is_the_same_in_any_order(void **state)
{
	/* Best first. */
	static const struct {
		const char *name;
		uint64_t size;
		unsigned int binding, type;
	} aliases[] = {
		{"a", 8, STB_GLOBAL, STT_FUNC},   {"b", 8, STB_GLOBAL, STT_FUNC},
		{"_a", 8, STB_GLOBAL, STT_FUNC},  {"__a", 8, STB_GLOBAL, STT_FUNC},
		{"l", 8, STB_LOCAL, STT_FUNC},    {"w", 8, STB_WEAK, STT_FUNC},
		{"n", 8, STB_GLOBAL, STT_NOTYPE}, {"u", 0, STB_GLOBAL, STT_FUNC},
	};
	enum {
		COUNT = sizeof(aliases) / sizeof(aliases[0])
	};

	(void)state;
	/* Every contiguous part of the list, backwards and rotated. */
	for (size_t first = 0; first < COUNT; first++) {
		for (size_t rotation = 0; rotation < COUNT - first; rotation++) {
			auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
			struct elf_fixture file;
			size_t count = COUNT - first;

			elf_fixture_init(&file, SHT_SYMTAB);
			for (size_t i = 0; i < count; i++) {
				size_t at = first + (count - 1 - i + rotation) % count;

				elf_fixture_symbol(&file, aliases[at].name, 0x40, aliases[at].size,
						   aliases[at].binding, aliases[at].type,
						   FIXTURE_TEXT);
			}
			symbols = load(&file);
			assert_int_equal(elf_symbols_count(symbols), 1);
			assert_name(symbols, 0x40, aliases[first].name);
		}
	}
}

static void file_offsets_become_addresses(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;
	uint64_t vaddr;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	symbols = load(&file);
	assert_true(elf_symbols_vaddr(symbols, FIXTURE_TEXT_OFFSET, &vaddr));
	assert_int_equal(vaddr, FIXTURE_TEXT_VADDR);
	assert_true(elf_symbols_vaddr(symbols, FIXTURE_TEXT_OFFSET + 0xfff, &vaddr));
	assert_int_equal(vaddr, FIXTURE_TEXT_VADDR + 0xfff);
	assert_false(elf_symbols_vaddr(symbols, FIXTURE_TEXT_OFFSET - 1, &vaddr));
	assert_false(elf_symbols_vaddr(symbols, FIXTURE_TEXT_OFFSET + 0x1000, &vaddr));
	assert_false(elf_symbols_vaddr(symbols, UINT64_MAX, &vaddr));
}

static void lying_tables_give_no_symbols(void **state)
{
	struct elf_fixture files[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		elf_fixture_init(&files[i], SHT_SYMTAB);
		elf_fixture_function(&files[i], "name", 0x10, 0x10);
	}
	files[0].sections[FIXTURE_SYMBOLS].sh_link = 77;
	files[1].sections[FIXTURE_SYMBOLS].sh_link = FIXTURE_TEXT;
	files[2].sections[FIXTURE_SYMBOLS].sh_offset = UINT64_MAX - 4;
	files[3].sections[FIXTURE_NAMES].sh_size = UINT64_MAX;
	files[4].sections[FIXTURE_NAMES].sh_offset = sizeof(files[4]);
	files[5].symbols[1].st_name = UINT32_MAX;
	for (size_t i = 0; i < 6; i++) {
		auto_free(elf_symbols) struct elf_symbols *symbols = load(&files[i]);

		assert_int_equal(elf_symbols_count(symbols), 0);
		assert_no_name(symbols, 0x10);
		assert_string_equal(elf_symbols_build_id(symbols), "deadbeef01020304");
	}
}

static void a_table_longer_than_the_file_is_cut(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "name", 0x10, 0x10);
	file.sections[FIXTURE_SYMBOLS].sh_size = UINT64_MAX;
	symbols = load(&file);
	assert_true(elf_symbols_truncated(symbols));
}

static void the_last_name_needs_no_end(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "abcdef", 0x10, 0x10);
	file.sections[FIXTURE_NAMES].sh_size = 4;
	symbols = load(&file);
	assert_name(symbols, 0x10, "abc");
}

/* Names that share one long text must not be copied out of proportion. */
static void shared_names_take_no_more_than_the_table(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	struct elf_fixture file;
	char name[600];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	elf_fixture_init(&file, SHT_SYMTAB);
	for (unsigned int i = 0; i < 20; i++) {
		elf_fixture_function(&file, i ? "" : name, 0x10 * i, 0x10);
		file.symbols[file.symbol_count - 1].st_name = 1 + i;
	}
	symbols = load(&file);
	assert_int_equal(elf_symbols_count(symbols), 20);
	assert_true(elf_symbols_memory(symbols) < 20 * 16 + sizeof(name) + 400);
	assert_name(symbols, 0x45, name + 4);
}

static void every_prefix_of_the_fixture_is_survived(void **state)
{
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_DYNSYM);
	for (unsigned int i = 0; i < 10; i++)
		elf_fixture_function(&file, "function", 0x10 * i, 0x10);
	for (size_t size = 0; size <= sizeof(file); size++) {
		auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
		autofree char *copy = malloc(size ? size : 1);
		struct elf_symbol symbol;

		memcpy(copy, &file, size);
		if (elf_symbols_load_memory(copy, size, &symbols, NULL) == 0)
			elf_symbols_find(symbols, FIXTURE_TEXT_VADDR, &symbol);
	}
}

static void spoiled_bytes_are_survived(void **state)
{
	struct elf_fixture file;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	for (unsigned int i = 0; i < 10; i++)
		elf_fixture_function(&file, "function", 0x10 * i, i % 3 ? 0x10 : 0);
	for (size_t at = 0; at < offsetof(struct elf_fixture, names_size); at++) {
		static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};

		for (size_t i = 0; i < sizeof(values); i++) {
			auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
			unsigned char *byte = (unsigned char *)&file + at;
			unsigned char before = *byte;
			struct elf_symbol symbol;

			*byte = values[i];
			if (elf_symbols_load_memory(&file, sizeof(file), &symbols, NULL) == 0)
				elf_symbols_find(symbols, FIXTURE_TEXT_VADDR + 0x15, &symbol);
			*byte = before;
		}
	}
}

static void write_debug_file(const char *directory, const struct elf_fixture *file)
{
	char path[256];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "%s/de", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/de/adbeef01020304.debug", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, sizeof(*file)), sizeof(*file));
}

static void remove_debug_file(const char *directory)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/de/adbeef01020304.debug", directory);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/de", directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void load_with_debug_file(const struct elf_fixture *file, const struct elf_fixture *debug,
				 const char *expected)
{
	char directory[] = "/tmp/parkscope-debug-XXXXXX";
	struct elf_symbols_options options = {.debug_directory = directory};
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autoclose int fd = elf_fixture_file(file, sizeof(*file));

	assert_non_null(mkdtemp(directory));
	write_debug_file(directory, debug);
	assert_int_equal(elf_symbols_load(fd, &options, &symbols, NULL), 0);
	assert_name(symbols, 0x10, expected);
	remove_debug_file(directory);
}

static void the_debug_file_is_used_instead_of_dynsym(void **state)
{
	struct elf_fixture file, debug;

	(void)state;
	elf_fixture_init(&file, SHT_DYNSYM);
	elf_fixture_function(&file, "exported", 0x10, 0x10);
	elf_fixture_init(&debug, SHT_SYMTAB);
	elf_fixture_function(&debug, "from_debug_file", 0x10, 0x10);
	load_with_debug_file(&file, &debug, "from_debug_file");
	/* Another build: not for this file. */
	debug.note.id[7] ^= 1;
	load_with_debug_file(&file, &debug, "exported");
	/* Its own .symtab is better. */
	debug.note.id[7] ^= 1;
	file.sections[FIXTURE_SYMBOLS].sh_type = SHT_SYMTAB;
	load_with_debug_file(&file, &debug, "exported");
}

/* Where a function of a loaded file is, as that file counts, by way of dladdr(3). */
static uint64_t vaddr_of(const void *function, Dl_info *info)
{
	assert_true(dladdr(function, info) != 0);
	return (uint64_t)(uintptr_t)function - (uint64_t)(uintptr_t)info->dli_fbase;
}

/* What a test needs of a program with a .dynsym and a .gnu_debugdata that holds `inner`. */
static struct debugdata_fixture *new_minidebuginfo(const struct elf_fixture *inner)
{
	struct debugdata_fixture *outer = calloc(1, sizeof(*outer));

	assert_non_null(outer);
	elf_fixture_init(&outer->file, SHT_DYNSYM);
	elf_fixture_function(&outer->file, "exported", 0x10, 0x10);
	debugdata_fixture_compress(outer, inner, sizeof(*inner), 6);
	return outer;
}

static void gnu_debugdata_is_used_with_dynsym(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autofree struct debugdata_fixture *outer = NULL;
	struct elf_fixture inner;

	(void)state;
	elf_fixture_init(&inner, SHT_SYMTAB);
	elf_fixture_function(&inner, "static_function", 0x20, 0x10);
	outer = new_minidebuginfo(&inner);
	assert_int_equal(elf_symbols_load_memory(outer, sizeof(*outer), &symbols, NULL), 0);
	assert_int_equal(elf_symbols_count(symbols), 2);
	assert_name(symbols, 0x10, "exported");
	assert_name(symbols, 0x20, "static_function");
}

static void damaged_gnu_debugdata_leaves_dynsym(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autofree struct debugdata_fixture *outer = NULL;
	struct elf_fixture inner;

	(void)state;
	memset(&inner, 0, sizeof(inner));
	outer = new_minidebuginfo(&inner);
	assert_int_equal(elf_symbols_load_memory(outer, sizeof(*outer), &symbols, NULL), 0);
	assert_int_equal(elf_symbols_count(symbols), 1);
	assert_name(symbols, 0x10, "exported");
}

static void gnu_debugdata_is_not_used_beside_a_symtab(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autofree struct debugdata_fixture *outer = NULL;
	struct elf_fixture inner;

	(void)state;
	elf_fixture_init(&inner, SHT_SYMTAB);
	elf_fixture_function(&inner, "static_function", 0x20, 0x10);
	outer = new_minidebuginfo(&inner);
	outer->file.sections[FIXTURE_SYMBOLS].sh_type = SHT_SYMTAB;
	assert_int_equal(elf_symbols_load_memory(outer, sizeof(*outer), &symbols, NULL), 0);
	assert_int_equal(elf_symbols_count(symbols), 1);
	assert_name(symbols, 0x10, "exported");
}

static void libc_names_agree_with_the_dynamic_linker(void **state)
{
	static const char *const names[] = {"read",
					    "write",
					    "nanosleep",
					    "poll",
					    "malloc",
					    "printf",
					    "usleep",
					    "sem_wait",
					    "qsort",
					    "getenv",
					    "pthread_mutex_lock"};
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autoclose int fd = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* Not the interceptors of a sanitizer: those of libc itself. */
		void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
		void *function = dlsym(libc, names[i]);
		struct elf_symbol symbol;
		Dl_info info;
		uint64_t vaddr;

		assert_non_null(function);
		vaddr = vaddr_of(function, &info);
		if (!symbols) {
			fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
			assert_int_equal(elf_symbols_load(fd, &no_debug_files, &symbols, NULL), 0);
			assert_true(elf_symbols_count(symbols) > 1000);
			assert_non_null(elf_symbols_build_id(symbols));
		}
		assert_true(elf_symbols_find(symbols, vaddr + 1, &symbol));
		assert_int_equal(symbol.address, vaddr);
		/* Perhaps another name of the same function. */
		assert_ptr_equal(dlsym(libc, symbol.name), function);
		dlclose(libc);
	}
}

static __attribute__((noinline)) int a_static_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

static void its_own_static_functions_have_names(void **state)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_symbol symbol;
	Dl_info info;

	(void)state;
	assert_int_equal(a_static_function(2), 6);
	assert_int_equal(elf_symbols_load(fd, &no_debug_files, &symbols, NULL), 0);
	assert_true(elf_symbols_find(symbols, vaddr_of((void *)a_static_function, &info), &symbol));
	assert_string_equal(symbol.name, "a_static_function");
	assert_true(elf_symbols_find(symbols, vaddr_of((void *)load_with_debug_file, &info) + 4,
				     &symbol));
	assert_string_equal(symbol.name, "load_with_debug_file");
}

static void truncated_copies_of_a_real_file_are_survived(void **state)
{
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	autoclose int copy = memfd_create("copy", MFD_CLOEXEC);
	autofree char *data = NULL;
	struct stat status;
	size_t size;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	size = (size_t)status.st_size;
	data = malloc(size);
	assert_int_equal(pread(fd, data, size, 0), size);
	assert_int_equal(pwrite(copy, data, size, 0), size);
	/* Shorter and shorter: byte by byte in the headers, in about 500 steps before. */
	while (size > 0) {
		auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
		size_t step = size > 1024 ? (size_t)status.st_size / 500 + 1 : 1;
		struct elf_symbol symbol;

		size = size > step ? size - step : 0;
		assert_int_equal(ftruncate(copy, (off_t)size), 0);
		if (elf_symbols_load(copy, &no_debug_files, &symbols, NULL) == 0)
			elf_symbols_find(symbols, 0x1000, &symbol);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_only_inside),
		cmocka_unit_test(only_code_counts),
		cmocka_unit_test(symbols_without_size_end_at_the_next),
		cmocka_unit_test(nested_symbols),
		cmocka_unit_test(the_choice_between_aliases_is_the_same_in_any_order),
		cmocka_unit_test(file_offsets_become_addresses),
		cmocka_unit_test(lying_tables_give_no_symbols),
		cmocka_unit_test(a_table_longer_than_the_file_is_cut),
		cmocka_unit_test(the_last_name_needs_no_end),
		cmocka_unit_test(shared_names_take_no_more_than_the_table),
		cmocka_unit_test(every_prefix_of_the_fixture_is_survived),
		cmocka_unit_test(spoiled_bytes_are_survived),
		cmocka_unit_test(the_debug_file_is_used_instead_of_dynsym),
		cmocka_unit_test(gnu_debugdata_is_used_with_dynsym),
		cmocka_unit_test(damaged_gnu_debugdata_leaves_dynsym),
		cmocka_unit_test(gnu_debugdata_is_not_used_beside_a_symtab),
		cmocka_unit_test(libc_names_agree_with_the_dynamic_linker),
		cmocka_unit_test(its_own_static_functions_have_names),
		cmocka_unit_test(truncated_copies_of_a_real_file_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
