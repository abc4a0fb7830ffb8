// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_runtime_tables.h"

#include <sys/uio.h>

#include "go_line_fixture.h"
#include "go_program_fixture.h"
#include "process/process_maps.h"
#include "process/process_memory.h"

/* Stands in for process_memory.c, which the linker leaves out. */
static size_t memory_reads;

ssize_t process_memory_read(pid_t pid, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = {.iov_base = buffer, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
	ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	memory_reads++;
	return got < 0 ? -errno : got;
}

/* The file of a process, opened as go_process.c does. */
struct loaded {
	struct go_program program;
	uint32_t minor; /* of Go */
	int fd;
	struct elf_image *image;
	struct load_segments *segments;
	struct go_line_table *lines;
	struct go_layout layout;
	struct go_loaded_file file;
};

static uint64_t find_bias(const struct loaded *loaded)
{
	auto_free(process_maps) struct process_maps *maps = NULL;
	uint64_t vaddr;

	assert_int_equal(
		process_maps_read(loaded->program.pid, PROCESS_MAPS_EXECUTABLE, &maps, NULL), 0);
	assert_true(process_maps_count(maps) > 0);
	assert_true(load_segments_code_vaddr(loaded->segments,
					     process_maps_at(maps, 0)->file_offset, &vaddr));
	return process_maps_at(maps, 0)->start - vaddr;
}

static void loaded_start(struct loaded *loaded, const char *path, bool traced)
{
	struct go_version version;

	memset(loaded, 0, sizeof(*loaded));
	go_program_start(&loaded->program, path, traced);
	loaded->fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(loaded->fd >= 0);
	assert_int_equal(elf_image_open_fd(loaded->fd, &loaded->image, NULL), 0);
	assert_int_equal(load_segments_new(loaded->image, &loaded->segments), 0);
	assert_int_equal(go_line_table_load(loaded->fd, &loaded->lines, NULL), 0);
	loaded->file = (struct go_loaded_file){
		.image = loaded->image,
		.segments = loaded->segments,
		.lines = loaded->lines,
		.layout = &loaded->layout,
		.memory = {.pid = loaded->program.pid, .bias = find_bias(loaded)},
	};
	assert_int_equal(go_build_info_read(loaded->image, &loaded->file.memory, &version), 0);
	assert_non_null(go_layout_find(&version));
	loaded->layout = *go_layout_find(&version);
	loaded->minor = version.minor;
}

static void loaded_stop(struct loaded *loaded)
{
	go_program_stop(&loaded->program);
	go_line_table_free(loaded->lines);
	load_segments_free(loaded->segments);
	elf_image_free(loaded->image);
	close(loaded->fd);
}

/* The vaddr of a symbol; fails where there is none. */
static uint64_t find_symbol(const struct elf_image *image, const char *name)
{
	const struct elf_section *table = elf_image_find_section(image, ".symtab"), *strings;
	size_t size = strlen(name) + 1;

	assert_non_null(table);
	strings = elf_image_find_section(image, ".strtab");
	assert_non_null(strings);
	for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->size; at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;
		char found[64];

		assert_int_equal(elf_image_read(image, table->offset + at, &symbol, sizeof(symbol)),
				 0);
		assert_true(size <= sizeof(found));
		if (symbol.st_name + size <= strings->size &&
		    !elf_image_read(image, strings->offset + symbol.st_name, found, size) &&
		    memcmp(found, name, size) == 0)
			return symbol.st_value;
	}
	fail_msg("no symbol %s", name);
	return 0;
}

/* A line table in which nothing of the runtime is. */
static struct go_line_table *foreign_lines(void)
{
	static struct go_fixture fixture;
	struct go_line_table *lines = NULL;

	go_fixture_init(&fixture, GO_FIXTURE_1_20);
	assert_int_equal(
		go_line_table_load_memory(fixture.bytes, sizeof(fixture.bytes), &lines, NULL), 0);
	return lines;
}

/* By the code of runtime.allgadd, and without it by a search: the same address. */
static uint64_t find_allgs_both_ways(const struct loaded *loaded)
{
	auto_free(go_line_table) struct go_line_table *foreign = foreign_lines();
	struct go_loaded_file searched = loaded->file;
	struct go_module module = {0};
	uint64_t by_code = 0, by_search = 1, slice[3];

	assert_int_equal(go_find_module(&loaded->file, &module), 0);
	assert_int_equal(go_find_allgs(&loaded->file, &module, &by_code), 0);
	searched.lines = foreign;
	assert_int_equal(go_find_allgs(&searched, &module, &by_search), 0);
	assert_int_equal(by_code, by_search);
	assert_int_equal(go_memory_read(&loaded->file.memory, by_code - loaded->file.memory.bias,
					slice, sizeof(slice)),
			 sizeof(slice));
	/* The main goroutine, three that send, and some of the runtime's. */
	assert_true(slice[1] >= 5 && slice[1] < 100);
	return by_code;
}

static void symbols_agree(void **state)
{
	struct go_module module = {0};
	struct loaded loaded;

	(void)state;
	loaded_start(&loaded, GO_SAMPLE, false);
	assert_int_equal(loaded.file.memory.bias, 0);
	assert_int_equal(find_allgs_both_ways(&loaded), find_symbol(loaded.image, "runtime.allgs"));
	assert_int_equal(go_find_module(&loaded.file, &module), 0);
	assert_int_equal(module.text, find_symbol(loaded.image, "runtime.text"));
	if (loaded.layout.module.func_data != GO_FIELD_NONE)
		assert_int_equal(
			module.func_data,
			find_symbol(loaded.image, loaded.minor < 20 ? "go.func.*" : "go:func.*"));
	loaded_stop(&loaded);
}

static void stripped_and_moved_programs(void **state)
{
	static const char *const paths[] = {GO_SAMPLE "-stripped", GO_SAMPLE "-pie"};
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct go_module module = {0};

		loaded_start(&loaded, paths[i], false);
		assert_int_equal(loaded.file.memory.bias != 0, i == 1);
		find_allgs_both_ways(&loaded);
		assert_int_equal(go_find_module(&loaded.file, &module), 0);
		if (i == 1)
			assert_int_equal(module.text, find_symbol(loaded.image, "runtime.text"));
		loaded_stop(&loaded);
	}
}

static void without_sections(void **state)
{
	struct scratch scratch;
	struct loaded loaded;
	size_t size;
	char *bytes = go_program_read(GO_SAMPLE "-stripped", &size);

	(void)state;
	scratch_make(&scratch);
	go_program_cut_sections(bytes);
	go_program_write(scratch.file, bytes, size);
	free(bytes);
	loaded_start(&loaded, scratch.file, false);
	find_allgs_both_ways(&loaded);
	loaded_stop(&loaded);
	scratch_remove(&scratch);
}

/* Before its first instruction the runtime has no goroutine. */
static void a_program_that_has_not_begun(void **state)
{
	struct go_module module = {0};
	uint64_t address = 1;
	struct loaded loaded;

	(void)state;
	loaded_start(&loaded, GO_SAMPLE, true);
	assert_int_equal(go_find_module(&loaded.file, &module), 0);
	assert_int_equal(go_find_allgs(&loaded.file, &module, &address), -EAGAIN);
	assert_int_equal(address, 1);
	loaded_stop(&loaded);
}

static void what_does_not_fit_is_not_taken(void **state)
{
	auto_free(go_line_table) struct go_line_table *foreign = foreign_lines();
	struct go_module module = {.text = 1, .func_data = 2};
	struct go_loaded_file wrong;
	struct go_layout layout;
	uint64_t address = 1;
	struct loaded loaded;

	(void)state;
	loaded_start(&loaded, GO_SAMPLE, false);
	/* Nothing points to that table. */
	wrong = loaded.file;
	wrong.lines = foreign;
	assert_int_equal(go_find_module(&wrong, &module), -ENODATA);
	/* The text is not where the layout says. */
	layout = loaded.layout;
	layout.module.text += 8;
	wrong = loaded.file;
	wrong.layout = &layout;
	assert_int_equal(go_find_module(&wrong, &module), -ENODATA);
	assert_int_equal(module.text, 1);
	assert_int_equal(module.func_data, 2);
	/* Nor do goroutines point to themselves there. */
	layout = loaded.layout;
	layout.g.sched_g -= 8;
	module = (struct go_module){0};
	assert_int_equal(go_find_allgs(&wrong, &module, &address), -ENODATA);
	assert_int_equal(address, 1);
	loaded_stop(&loaded);
}

/* Memory of ours full of words that point to the table; a module may stand at its end. */
static void search_hostile_memory(bool has_module, int expected)
{
	enum {
		WORDS = 256 << 10
	};
	const struct go_version version = {.minor = 22};
	const struct go_layout *layout = go_layout_find(&version);
	const size_t last = WORDS - layout->module.size / sizeof(uint64_t);
	auto_free(elf_image) struct elf_image *image = NULL;
	auto_free(load_segments) struct load_segments *segments = NULL;
	auto_free(go_line_table) struct go_line_table *lines = NULL;
	autofree uint64_t *words = malloc(WORDS * sizeof(*words));
	struct go_module module = {0};
	struct go_loaded_file file = {.layout = layout, .memory.pid = getpid()};
	struct go_fixture fixture;
	Elf64_Phdr *segment = (Elf64_Phdr *)(fixture.bytes + sizeof(Elf64_Ehdr));

	assert_non_null(words);
	go_fixture_init(&fixture, GO_FIXTURE_1_20);
	assert_int_equal(
		go_line_table_load_memory(fixture.bytes, sizeof(fixture.bytes), &lines, NULL), 0);
	segment->p_flags |= PF_W;
	segment->p_filesz = 0x2000;
	segment->p_memsz = WORDS * sizeof(*words);
	assert_int_equal(elf_image_open_memory(fixture.bytes, sizeof(fixture.bytes), &image, NULL),
			 0);
	assert_int_equal(load_segments_new(image, &segments), 0);
	file.image = image;
	file.segments = segments;
	file.lines = lines;
	file.memory.bias = (uint64_t)(uintptr_t)words - GO_FIXTURE_VADDR;
	for (size_t i = 0; i < WORDS; i++)
		words[i] = go_line_table_vaddr(lines) + file.memory.bias;
	if (has_module) {
		words[last + layout->module.text / sizeof(*words)] =
			GO_FIXTURE_TEXT + file.memory.bias;
		words[last + layout->module.func_data / sizeof(*words)] = 0x1234 + file.memory.bias;
	}
	memory_reads = 0;
	assert_int_equal(go_find_module(&file, &module), expected);
	/* 2 MiB, in parts of 256 KiB that overlap. */
	assert_in_range(memory_reads, 8, 9);
	assert_int_equal(module.text, has_module ? GO_FIXTURE_TEXT : 0);
	assert_int_equal(module.func_data, has_module ? 0x1234 : 0);
}

static void words_that_match_cost_no_reads(void **state)
{
	(void)state;
	search_hostile_memory(false, -ENODATA);
	search_hostile_memory(true, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_agree),
		cmocka_unit_test(stripped_and_moved_programs),
		cmocka_unit_test(without_sections),
		cmocka_unit_test(a_program_that_has_not_begun),
		cmocka_unit_test(what_does_not_fit_is_not_taken),
		cmocka_unit_test(words_that_match_cost_no_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
