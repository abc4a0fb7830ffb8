// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapped_object.h"

#include <errno.h>

#include "process/mapped_file.h"
#include "process/process_memory.h"

enum {
	/* The vdso has two pages, four on some architectures. */
	VDSO_SIZE_MAX = 256 << 10,
};

/* The vdso is no file, but every process has it in its memory. */
static int load_vdso(pid_t pid, const struct mapping *mapping, struct file_cache *cache,
		     struct file_key *key, const void **thing)
{
	uint64_t size = mapping->end - mapping->start;
	autofree char *image = NULL;
	ssize_t got;

	if (size > VDSO_SIZE_MAX)
		return -EFBIG;
	image = malloc(size);
	if (!image)
		return -ENOMEM;
	got = process_memory_read(pid, mapping->start, image, size);
	if (got <= 0)
		return got ? (int)got : -ENODATA;
	return file_cache_load_image(cache, image, (size_t)got, key, thing);
}

static int load_mapped_file(pid_t pid, const struct mapping *mapping, bool use_map_files,
			    struct file_cache *cache, struct file_key *key, const void **thing)
{
	autoclose int named = mapped_file_name(pid, mapping, use_map_files, NULL);
	autoclose int fd = -1;
	struct file_key found;

	if (named < 0)
		return named;
	/* Most files are known from other processes, and need not be opened. */
	if (!file_key_of(named, &found) && file_cache_find(cache, &found, thing)) {
		*key = found;
		return 0;
	}
	fd = mapped_file_open_named(named);
	return fd < 0 ? fd : file_cache_load(cache, fd, key, thing);
}

/* Of ours, not of the object. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EINTR ||
	       err == -EAGAIN;
}

const void *mapped_object_find(struct mapped_object *object, pid_t pid,
			       const struct mapping *mapping, bool use_map_files,
			       struct file_cache *cache)
{
	const void *thing = NULL;
	int err = -ENOENT;

	if (object->state == OBJECT_NONE)
		return NULL;
	if (object->state == OBJECT_KNOWN && file_cache_find(cache, &object->key, &thing))
		return thing;
	if (mapping->kind == MAPPING_VDSO)
		err = load_vdso(pid, mapping, cache, &object->key, &thing);
	else if (mapping->kind == MAPPING_FILE)
		err = load_mapped_file(pid, mapping, use_map_files, cache, &object->key, &thing);
	object->error = err;
	if (!err)
		object->state = OBJECT_KNOWN;
	else
		object->state = is_shortage(err) ? OBJECT_UNTRIED : OBJECT_NONE;
	return err ? NULL : thing;
}
