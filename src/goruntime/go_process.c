// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/go_build_info.h"
#include "goruntime/go_runtime_tables.h"
#include "goruntime/go_wait_reason_strings.h"
#include "process/elf_image.h"
#include "process/file_cache.h"
#include "process/load_segments.h"
#include "process/mapped_file.h"
#include "symbols/go_line_tables.h"

enum {
	/* Files of a process that are looked into, in order of address. */
	FILES_MAX = 256,
	/* Memory to remember files by: some 7000. */
	FILES_LIMIT = 1 << 20,
};

struct go_process_files {
	struct file_cache *looked_into;
	struct go_line_tables *lines;
};

struct go_process {
	pid_t pid;
	uint64_t bias; /* address = vaddr + bias */
	struct go_version version;
	struct go_layout layout;
	struct go_wait_reasons reasons;
	struct go_shared_lines *shared_lines;
	const struct go_line_table *lines; /* in it */
	struct go_module module;
	uint64_t allgs;
	uint64_t semtables[GO_SEMTABLES_MAX];
	size_t semtables_count;
	uint64_t code_start, code_end;     /* addresses */
	uint64_t goexit_start, goexit_end; /* addresses */
	char *name;
};

void go_process_free(struct go_process *go)
{
	if (!go)
		return;
	go_shared_lines_release(go->shared_lines);
	free(go->name);
	free(go);
}

pid_t go_process_pid(const struct go_process *go)
{
	return go->pid;
}

const struct go_version *go_process_version(const struct go_process *go)
{
	return &go->version;
}

const struct go_layout *go_process_layout(const struct go_process *go)
{
	return &go->layout;
}

const struct go_wait_reasons *go_process_wait_reasons(const struct go_process *go)
{
	return &go->reasons;
}

uint64_t go_process_allgs(const struct go_process *go)
{
	return go->allgs;
}

size_t go_process_semtables(const struct go_process *go, const uint64_t **addresses)
{
	*addresses = go->semtables;
	return go->semtables_count;
}

bool go_process_has_code(const struct go_process *go, uint64_t address)
{
	return address >= go->code_start && address < go->code_end;
}

bool go_process_is_goexit(const struct go_process *go, uint64_t address)
{
	return address >= go->goexit_start && address < go->goexit_end;
}

const char *go_process_module(const struct go_process *go)
{
	return go->name;
}

size_t go_process_find_calls(const struct go_process *go, uint64_t address, struct go_call *calls,
			     size_t capacity)
{
	size_t count =
		go_line_table_find(go->lines, &go->module, address - go->bias, calls, capacity);

	for (size_t i = 0; i < count; i++)
		calls[i].entry += go->bias;
	return count;
}

int go_process_frame_size(const struct go_process *go, uint64_t address, uint64_t *size)
{
	return go_line_table_frame_size(go->lines, &go->module, address - go->bias, size);
}

static int find_layout(struct go_process *go, int fd, struct error *error)
{
	const struct go_layout *known = go_layout_find(&go->version);

	if (known) {
		go->layout = *known;
		return 0;
	}
	if (go_layout_from_dwarf(fd, &go->layout, NULL) == 0)
		return 0;
	return error_set(error, -ENOTSUP,
			 "%s is not a version that parkscope knows, and the program has no DWARF "
			 "to tell its layouts",
			 go->version.text);
}

/* Everything but the version, of the file that has the runtime. */
static int find_runtime(struct go_process *go, const struct elf_image *image,
			const struct load_segments *segments, struct go_line_tables *lines, int fd,
			struct error *error)
{
	struct go_loaded_file file = {
		.image = image,
		.segments = segments,
		.layout = &go->layout,
		.memory = {.pid = go->pid, .bias = go->bias},
	};
	int err = find_layout(go, fd, error);

	if (!err)
		err = go_line_tables_get(lines, fd, &go->shared_lines, error);
	if (err == -ENODATA)
		return error_set(error, -ENOTSUP, "%s: the program has no line table (.gopclntab)",
				 go->version.text);
	if (err)
		return err;
	file.lines = go->lines = go_shared_lines_table(go->shared_lines);
	/* Without it inlined calls are missing, but up to 1.25 the rest can be told. */
	go_find_module(&file, &go->module);
	err = go_find_allgs(&file, &go->module, &go->allgs);
	if (err == -ENODATA)
		return error_set(error, -ENOTSUP, "%s: the list of goroutines was not found",
				 go->version.text);
	if (err)
		return err;
	go->semtables_count = go_find_semtables(&file, &go->module, go->semtables);
	if (go_wait_reasons_read(image, &file.memory, &go->reasons))
		go_wait_reasons_of_version(&go->version, &go->reasons);
	if (load_segments_code_range(segments, &go->code_start, &go->code_end)) {
		go->code_start += go->bias;
		go->code_end += go->bias;
	}
	if (!go_line_table_find_function(go->lines, &go->module, "runtime.goexit",
					 &go->goexit_start, &go->goexit_end)) {
		go->goexit_start += go->bias;
		go->goexit_end += go->bias;
	}
	return 0;
}

/* Whether it says that there is nothing to read, and not that we could not. */
static bool is_absence(int err)
{
	return err == -ENODATA || err == -ENOENT || err == -ENOEXEC || err == -EINVAL ||
	       err == -ESTALE || err == -EFBIG;
}

static int open_image(pid_t pid, const struct mapping *mapping, bool use_map_files, int *ret,
		      struct elf_image **image)
{
	autoclose int fd = mapped_file_open(pid, mapping, use_map_files, NULL);
	int err = fd < 0 ? fd : elf_image_open_fd(fd, image, NULL);

	if (err)
		return is_absence(err) ? -ENODATA : err;
	*ret = take_fd(fd);
	return elf_image_is_64bit(*image) ? 0 : -ENODATA;
}

/* -ENODATA: the file is no Go, or gone. */
static int attach_to_file(pid_t pid, const struct mapping *mapping, bool use_map_files,
			  struct go_line_tables *lines, struct go_process **out,
			  struct error *error)
{
	autoclose int fd = -1;
	auto_free(elf_image) struct elf_image *image = NULL;
	auto_free(load_segments) struct load_segments *segments = NULL;
	auto_free(go_process) struct go_process *go = NULL;
	struct go_memory memory = {.pid = pid};
	struct go_version version;
	uint64_t vaddr;
	int err = open_image(pid, mapping, use_map_files, &fd, &image);

	if (err)
		return err;
	err = load_segments_new(image, &segments);
	if (err)
		return err;
	if (!load_segments_code_vaddr(segments, mapping->file_offset, &vaddr))
		return -ENODATA;
	memory.bias = mapping->start - vaddr;
	err = go_build_info_read(image, &memory, &version);
	if (err == -EINVAL)
		return error_set(error, -ENOTSUP, "the version of Go in its build info is damaged");
	if (err)
		return err;
	go = calloc(1, sizeof(*go));
	if (!go)
		return -ENOMEM;
	go->pid = pid;
	go->bias = memory.bias;
	go->version = version;
	go->name = strdup(mapping_module(mapping));
	if (!go->name)
		return -ENOMEM;
	err = find_runtime(go, image, segments, lines, fd, error);
	if (!err)
		*out = take_ptr(go);
	return err;
}

/* Whether a file may have Go in it: what stands for "yes", and is not read further here. */
static char may_have_go;

static int look_into_file(int fd, void **thing)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	struct go_version version;
	int err = elf_image_open_fd(fd, &image, NULL);

	if (!err)
		err = go_build_info_read(image, NULL, &version);
	/* The version may be readable only in memory. */
	if (err && err != -EINVAL)
		return err;
	*thing = &may_have_go;
	return 0;
}

static void forget_file(void *thing)
{
	(void)thing;
}

static size_t file_memory(const void *thing)
{
	(void)thing;
	return 0;
}

void go_process_files_free(struct go_process_files *files)
{
	if (!files)
		return;
	file_cache_free(files->looked_into);
	go_line_tables_free(files->lines);
	free(files);
}

struct go_process_files *go_process_files_new(void)
{
	static const struct file_cache_kind go_files = {
		.load = look_into_file,
		.free = forget_file,
		.memory = file_memory,
	};
	auto_free(go_process_files) struct go_process_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->looked_into = file_cache_new(&go_files, FILES_LIMIT);
	files->lines = go_line_tables_new();
	return files->looked_into && files->lines ? take_ptr(files) : NULL;
}

static bool is_same_file(const struct mapping *a, const struct mapping *b)
{
	return a && a->inode == b->inode && a->device_major == b->device_major &&
	       a->device_minor == b->device_minor;
}

int go_process_attach(struct process_mappings *mappings, struct go_process_files *files,
		      bool use_map_files, struct go_process **out, struct error *error)
{
	pid_t pid = process_mappings_pid(mappings);
	const struct mapping *last = NULL;
	size_t looked_at = 0;
	int err = -ENODATA, unread = -ENODATA;

	for (size_t i = 0;
	     i < process_mappings_count(mappings) && looked_at < FILES_MAX && err == -ENODATA;
	     i++) {
		struct mapped_object *object;
		const struct mapping *mapping = process_mappings_at(mappings, i, &object);

		if (mapping->kind != MAPPING_FILE || is_same_file(last, mapping))
			continue;
		last = mapping;
		looked_at++;
		if (mapped_object_find(object, pid, mapping, use_map_files, files->looked_into))
			err = attach_to_file(pid, mapping, use_map_files, files->lines, out, error);
		else if (object->error && !is_absence(object->error))
			unread = object->error;
	}
	/* Go may be in what could not be read. */
	return err == -ENODATA ? unread : err;
}
