// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbolizer.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_fixture.h"
#include "process/elf_image.h"
#include "symbols/go_line_table.h"

static struct mapping_cache *mappings;
static struct symbolizer *symbolizer;

static int set_up(void **state)
{
	struct symbolizer_config config = {
		.kernel_symbols = true, .map_files = true, .demangle = true};

	(void)state;
	config.processes = mappings = mapping_cache_new(1 << 20);
	return !mappings || symbolizer_new(&config, &symbolizer, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	symbolizer_free(symbolizer);
	mapping_cache_free(mappings);
	return 0;
}

static struct stack *name(const uint64_t *kernel, size_t kernel_count, const uint64_t *user,
			  size_t user_count)
{
	const struct process_ref self = {.pid = getpid()};
	struct stack *stack = NULL;

	assert_int_equal(symbolizer_stack(symbolizer, &self, kernel, kernel_count, user, user_count,
					  1, &stack),
			 0);
	assert_non_null(stack);
	assert_int_equal(stack->count, kernel_count + user_count);
	return stack;
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static __attribute__((noinline)) int a_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

static void its_own_functions(void **state)
{
	uint64_t user[] = {address_of((void *)a_function),
			   address_of((void *)its_own_functions) + 8};
	auto_free(stack) struct stack *stack = name(NULL, 0, user, 2);

	(void)state;
	assert_int_equal(a_function(1), 3);
	assert_string_equal(stack->frames[0].function, "a_function");
	assert_int_equal(stack->frames[0].offset, 0);
	assert_int_equal(stack->frames[0].address, user[0]);
	assert_int_equal(stack->frames[0].kind, FRAME_USER);
	assert_string_equal(stack->frames[0].module, "test_symbolizer");
	assert_non_null(stack->frames[0].build_id);
	assert_false(stack->frames[0].guess);
	assert_string_equal(stack->frames[1].function, "its_own_functions");
	assert_int_equal(stack->frames[1].offset, 8);
}

/* A call that never returns may be the last instruction of its function. */
static void return_addresses_belong_to_the_call_before(void **state)
{
	struct elf_fixture file;
	uint64_t user[3];
	autoclose int fd = -1;
	char *code;

	(void)state;
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "caller", 0x10, 0x10);
	elf_fixture_function(&file, "neighbour", 0x20, 0x10);
	fd = elf_fixture_file(&file, sizeof(file));
	assert_int_equal(ftruncate(fd, FIXTURE_TEXT_OFFSET + FIXTURE_TEXT_SIZE), 0);
	code = mmap(NULL, FIXTURE_TEXT_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		    FIXTURE_TEXT_OFFSET);
	assert_ptr_not_equal(code, MAP_FAILED);
	user[0] = user[1] = address_of(code) + 0x20;
	user[2] = address_of(code) + 0x40;
	{
		auto_free(stack) struct stack *stack = name(NULL, 0, user, 3);

		assert_string_equal(stack->frames[0].function, "neighbour");
		assert_int_equal(stack->frames[0].offset, 0);
		assert_string_equal(stack->frames[1].function, "caller");
		assert_int_equal(stack->frames[1].offset, 0x10);
		assert_int_equal(stack->frames[1].address, user[1]);
		assert_string_equal(stack->frames[1].module, "memfd:elf_fixture");
		assert_string_equal(stack->frames[1].build_id, "deadbeef01020304");
		/* No function there: the address as the ELF file counts. */
		assert_null(stack->frames[2].function);
		assert_int_equal(stack->frames[2].offset, FIXTURE_TEXT_VADDR + 0x40);
		assert_string_equal(stack->frames[2].module, "memfd:elf_fixture");
	}
	munmap(code, FIXTURE_TEXT_SIZE);
}

static void libc_functions(void **state)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *function = dlsym(libc, "nanosleep");
	uint64_t user[] = {address_of(function) + 5};
	auto_free(stack) struct stack *stack = name(NULL, 0, user, 1);

	(void)state;
	assert_string_equal(stack->frames[0].module, "libc.so.6");
	assert_int_equal(stack->frames[0].offset, 5);
	/* Perhaps another name of it; the debug package knows names that dlsym does not. */
	assert_non_null(strstr(stack->frames[0].function, "nanosleep"));
	dlclose(libc);
}

static void the_vdso(void **state)
{
	uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(uintptr_t)vdso;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(uintptr_t)(vdso + header->e_shoff);
	const Elf64_Shdr *table = NULL;
	size_t checked = 0;

	(void)state;
	if (!vdso)
		fail_msg("needs root on the host, with /proc/kallsyms, kthreadd and a vdso");
	for (unsigned int i = 0; i < header->e_shnum && !table; i++)
		if (sections[i].sh_type == SHT_DYNSYM)
			table = &sections[i];
	assert_non_null(table);
	for (size_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
		const Elf64_Sym *symbol =
			(const Elf64_Sym *)(uintptr_t)(vdso + table->sh_offset) + i;
		uint64_t user[] = {vdso + symbol->st_value + 1};

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_size > 1) {
			auto_free(stack) struct stack *stack = name(NULL, 0, user, 1);

			assert_string_equal(stack->frames[0].module, "[vdso]");
			assert_non_null(stack->frames[0].function);
			assert_non_null(stack->frames[0].build_id);
			assert_int_equal(stack->frames[0].offset, 1);
			checked++;
		}
	}
	assert_true(checked > 2);
}

static void what_has_no_name(void **state)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t user[] = {address_of(page) + 0x10, 0, 1, UINT64_MAX};
	auto_free(stack) struct stack *stack = name(NULL, 0, user, 4);

	(void)state;
	assert_null(stack->frames[0].function);
	assert_string_equal(stack->frames[0].module, "[anon]");
	assert_int_equal(stack->frames[0].offset, 0x10);
	for (size_t i = 1; i < 4; i++) {
		assert_null(stack->frames[i].function);
		assert_null(stack->frames[i].module);
		assert_int_equal(stack->frames[i].address, user[i]);
	}
	munmap(page, 4096);
}

static void a_mapped_file_that_is_no_elf_file(void **state)
{
	autoclose int fd = elf_fixture_file("text", 4);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0x2000);
	uint64_t user[] = {address_of(page) + 0x10};
	auto_free(stack) struct stack *stack = name(NULL, 0, user, 1);

	(void)state;
	assert_null(stack->frames[0].function);
	assert_null(stack->frames[0].build_id);
	assert_int_equal(stack->frames[0].offset, 0x2010);
	munmap(page, 4096);
}

static void kernel_frames_stand_first(void **state)
{
	uint64_t user[] = {address_of((void *)a_function)};
	uint64_t kernel[2] = {0x1234, 0x5678};
	autofclose FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[512], symbol[256] = "", type;

	(void)state;
	if (!file)
		fail_msg("needs root on the host, with /proc/kallsyms, kthreadd and a vdso");
	while (fgets(line, sizeof(line), file) && strcmp(symbol, "schedule") != 0)
		if (sscanf(line, "%llx %c %255s", &address, &type, symbol) == 3)
			kernel[0] = address;
	assert_string_equal(symbol, "schedule");
	kernel[1] = kernel[0] + 9;
	{
		auto_free(stack) struct stack *stack = name(kernel, 2, user, 1);
		const char *found;
		uint64_t offset;

		assert_string_equal(stack->frames[0].function, "schedule");
		assert_int_equal(stack->frames[0].offset, 0);
		assert_int_equal(stack->frames[0].kind, FRAME_KERNEL);
		assert_null(stack->frames[0].module);
		assert_string_equal(stack->frames[1].function, "schedule");
		assert_int_equal(stack->frames[1].offset, 9);
		assert_int_equal(stack->frames[1].address, kernel[1]);
		assert_int_equal(stack->frames[2].kind, FRAME_USER);
		assert_string_equal(stack->frames[2].function, "a_function");
		assert_int_equal(symbolizer_kernel_name(symbolizer, kernel[1], &found, &offset), 0);
		assert_string_equal(found, "schedule");
		assert_int_equal(offset, 9);
		assert_int_equal(symbolizer_kernel_name(symbolizer, 0x10, &found, &offset),
				 -ENOENT);
	}
}

static void long_names_are_cut_and_control_characters_stay(void **state)
{
	char long_name[900];
	struct elf_fixture file;
	uint64_t user[2];
	autoclose int fd = -1;
	char *code;

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, long_name, 0x10, 0x10);
	elf_fixture_function(&file, "\x1b[31mred\n", 0x20, 0x10);
	fd = elf_fixture_file(&file, sizeof(file));
	code = mmap(NULL, FIXTURE_TEXT_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		    FIXTURE_TEXT_OFFSET);
	user[0] = address_of(code) + 0x10;
	user[1] = address_of(code) + 0x28;
	{
		auto_free(stack) struct stack *stack = name(NULL, 0, user, 2);

		assert_int_equal(strlen(stack->frames[0].function), SYMBOL_NAME_SIZE - 1);
		assert_string_equal(stack->frames[1].function, "\x1b[31mred\n");
	}
	munmap(code, FIXTURE_TEXT_SIZE);
}

/* A fixture with these functions, at 0x10 and 0x20, mapped as code. */
static char *map_functions(const char *first, const char *second)
{
	struct elf_fixture file;
	autoclose int fd = -1;
	char *code;

	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, first, 0x10, 0x10);
	elf_fixture_function(&file, second, 0x20, 0x10);
	fd = elf_fixture_file(&file, sizeof(file));
	code = mmap(NULL, FIXTURE_TEXT_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		    FIXTURE_TEXT_OFFSET);
	assert_ptr_not_equal(code, MAP_FAILED);
	return code;
}

static void mangled_names_are_made_readable(void **state)
{
	char *code = map_functions("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE",
				   "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE");
	uint64_t user[] = {address_of(code) + 0x18, address_of(code) + 0x28};
	auto_free(stack) struct stack *stack = name(NULL, 0, user, 2);

	(void)state;
	assert_string_equal(stack->frames[0].function, "std::condition_variable::wait");
	assert_int_equal(stack->frames[0].offset, 8);
	assert_string_equal(stack->frames[1].function, "core::fmt::Formatter::write_str");
	munmap(code, FIXTURE_TEXT_SIZE);
}

static void mangled_names_stay_where_that_is_wanted(void **state)
{
	struct symbolizer_config config = {.map_files = true, .processes = mappings};
	char *code = map_functions("_ZN3foo3barEv", "main");
	uint64_t user[] = {address_of(code) + 0x18};

	(void)state;
	symbolizer_free(symbolizer);
	assert_int_equal(symbolizer_new(&config, &symbolizer, NULL), 0);
	{
		auto_free(stack) struct stack *stack = name(NULL, 0, user, 1);

		assert_string_equal(stack->frames[0].function, "_ZN3foo3barEv");
	}
	munmap(code, FIXTURE_TEXT_SIZE);
}

static void jit_code_is_named_by_the_perf_map(void **state)
{
	char *anonymous =
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	autoclose int fd = elf_fixture_file("code", 4);
	char *memfd = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	uint64_t user[] = {address_of(anonymous) + 0x18, address_of(anonymous) + 0x20,
			   address_of(memfd) + 0x18, address_of(memfd) + 0x48};
	char path[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "%lx 10 compiled one\n%lx 10 _ZN3foo3barEv\n", user[0] - 8, user[2] - 8);
	fclose(file);
	{
		auto_free(stack) struct stack *stack = name(NULL, 0, user, 4);

		assert_string_equal(stack->frames[0].function, "compiled one");
		assert_int_equal(stack->frames[0].offset, 8);
		assert_string_equal(stack->frames[0].module, "[anon]");
		/* A return address right behind the function. */
		assert_string_equal(stack->frames[1].function, "compiled one");
		assert_int_equal(stack->frames[1].offset, 0x10);
		assert_string_equal(stack->frames[2].function, "foo::bar");
		assert_string_equal(stack->frames[2].module, "memfd:elf_fixture");
		assert_null(stack->frames[3].function);
		assert_int_equal(stack->frames[3].offset, 0x48);
	}
	unlink(path);
	munmap(anonymous, 4096);
	munmap(memfd, 4096);
}

static void processes_share_files_and_are_forgotten(void **state)
{
	uint64_t user[] = {address_of((void *)a_function)};
	struct symbolizer_statistics before, after;
	struct process_ref process;
	auto_free(stack) struct stack *own = name(NULL, 0, user, 1);
	auto_free(stack) struct stack *stack = NULL;
	auto_free(stack) struct stack *gone = NULL;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		for (;;)
			pause();
	symbolizer_statistics(symbolizer, &before);
	process = (struct process_ref){.pid = child, .generation = 3};
	assert_int_equal(symbolizer_stack(symbolizer, &process, NULL, 0, user, 1, 1, &stack), 0);
	assert_string_equal(stack->frames[0].function, own->frames[0].function);
	symbolizer_statistics(symbolizer, &after);
	assert_int_equal(after.loads, before.loads);
	assert_int_equal(after.memory, before.memory);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	mapping_cache_forget(mappings, child);
	/* Nothing is left but the address. */
	assert_int_equal(symbolizer_stack(symbolizer, &process, NULL, 0, user, 1, 1, &gone), 0);
	assert_null(gone->frames[0].module);
	assert_int_equal(gone->frames[0].address, user[0]);
}

static __attribute__((noinline)) uint64_t return_address(void)
{
	return address_of(__builtin_return_address(0));
}

enum {
	INLINED_LINE = __LINE__ + 5,
};

static inline __attribute__((always_inline)) uint64_t an_inlined_function(void)
{
	uint64_t address = return_address();

	__asm__ volatile("" : "+r"(address));
	return address;
}

static void source_lines_and_inlined_functions(void **state)
{
	const struct symbolizer_config config = {
		.processes = mappings, .map_files = true, .lines = true};
	const struct process_ref self = {.pid = getpid()};
	auto_free(symbolizer) struct symbolizer *with_lines = NULL;
	auto_free(stack) struct stack *stack = NULL;
	uint64_t user[] = {address_of((void *)a_function), 0};
	uint32_t line = __LINE__ + 3;

	(void)state;
	user[1] = an_inlined_function();
	assert_int_equal(symbolizer_new(&config, &with_lines, NULL), 0);
	assert_int_equal(symbolizer_stack(with_lines, &self, NULL, 0, user, 2, 1, &stack), 0);
	assert_int_equal(stack->count, 3);
	assert_string_equal(stack->frames[0].function, "a_function");
	assert_string_equal(stack->frames[0].file, "test_symbolizer.c");
	assert_string_equal(stack->frames[1].function, "an_inlined_function");
	assert_string_equal(stack->frames[1].file, "test_symbolizer.c");
	assert_int_equal(stack->frames[1].line, INLINED_LINE);
	assert_int_equal(stack->frames[1].kind, FRAME_INLINED);
	assert_int_equal(stack->frames[1].address, user[1]);
	assert_string_equal(stack->frames[2].function, __func__);
	assert_int_equal(stack->frames[2].line, line);
	assert_int_equal(stack->frames[2].kind, FRAME_USER);
	assert_int_equal(stack->frames[2].address, user[1]);
}

/* Maps the code of a Go program, a build of tests/unit/go_oracle; returns its first vaddr. */
static uint64_t map_go_code(const char *path, char **code, size_t *size)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct elf_segment *segments;
	size_t count;

	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++) {
		if (segments[i].type != PT_LOAD || !(segments[i].flags & PF_X))
			continue;
		*size = segments[i].file_size;
		*code = mmap(NULL, *size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			     (off_t)segments[i].offset);
		assert_ptr_not_equal(*code, MAP_FAILED);
		return segments[i].vaddr;
	}
	fail_msg("%s has no code", path);
	return 0;
}

static void stripping_a_go_program_changes_no_name(void **state)
{
	char *plain, *stripped;
	size_t size, stripped_size, named = 0, generic = 0;

	(void)state;
	assert_int_equal(map_go_code(GO_ORACLE "-plain", &plain, &size),
			 map_go_code(GO_ORACLE "-stripped", &stripped, &stripped_size));
	assert_int_equal(size, stripped_size);
	for (size_t i = 0; i < size; i += 101) {
		uint64_t user[] = {address_of(plain) + i}, other[] = {address_of(stripped) + i};
		auto_free(stack) struct stack *stack = name(NULL, 0, user, 1);
		auto_free(stack) struct stack *of_stripped = name(NULL, 0, other, 1);
		const char *function = stack->frames[0].function;

		assert_int_equal(!function, !of_stripped->frames[0].function);
		assert_int_equal(stack->frames[0].offset, of_stripped->frames[0].offset);
		if (!function)
			continue;
		assert_string_equal(function, of_stripped->frames[0].function);
		assert_null(stack->frames[0].file);
		named++;
		generic += !strncmp(function, "main.apply[...]", 15);
	}
	assert_true(named > 20000);
	assert_true(generic > 0);
	munmap(plain, size);
	munmap(stripped, size);
}

static void go_lines_without_debug_information(void **state)
{
	const struct symbolizer_config config = {
		.processes = mappings, .map_files = true, .lines = true};
	const struct process_ref self = {.pid = getpid()};
	auto_free(symbolizer) struct symbolizer *with_lines = NULL;
	auto_free(go_line_table) struct go_line_table *table = NULL;
	auto_free(stack) struct stack *stack = NULL;
	autoclose int fd = open(GO_ORACLE "-stripped", O_RDONLY | O_CLOEXEC);
	uint64_t first, start, end, user[1];
	char *code;
	size_t size;

	(void)state;
	assert_int_equal(go_line_table_load(fd, &table, NULL), 0);
	assert_int_equal(go_line_table_find_function(table, NULL, "main.deferred", &start, &end),
			 0);
	first = map_go_code(GO_ORACLE "-stripped", &code, &size);
	user[0] = address_of(code) + (start - first);
	assert_int_equal(symbolizer_new(&config, &with_lines, NULL), 0);
	assert_int_equal(symbolizer_stack(with_lines, &self, NULL, 0, user, 1, 1, &stack), 0);
	assert_int_equal(stack->count, 1);
	assert_string_equal(stack->frames[0].function, "main.deferred");
	assert_int_equal(stack->frames[0].offset, 0);
	assert_string_equal(stack->frames[0].file, "main.go");
	assert_true(stack->frames[0].line > 0);
	munmap(code, size);
}

static void an_empty_stack(void **state)
{
	auto_free(stack) struct stack *stack = name(NULL, 0, NULL, 0);

	(void)state;
	assert_int_equal(stack->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(its_own_functions),
		TEST(return_addresses_belong_to_the_call_before),
		TEST(libc_functions),
		TEST(the_vdso),
		TEST(what_has_no_name),
		TEST(a_mapped_file_that_is_no_elf_file),
		TEST(kernel_frames_stand_first),
		TEST(long_names_are_cut_and_control_characters_stay),
		TEST(mangled_names_are_made_readable),
		TEST(mangled_names_stay_where_that_is_wanted),
		TEST(jit_code_is_named_by_the_perf_map),
		TEST(processes_share_files_and_are_forgotten),
		TEST(source_lines_and_inlined_functions),
		TEST(stripping_a_go_program_changes_no_name),
		TEST(go_lines_without_debug_information),
		TEST(an_empty_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
