/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_MAPPED_OBJECT_H
#define PARKSCOPE_PROCESS_MAPPED_OBJECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/file_cache.h"
#include "process/process_maps.h"

/* What is known of the file, or the vdso, behind a mapping. */
struct mapped_object {
	enum {
		OBJECT_UNTRIED,
		OBJECT_KNOWN, /* `key` is its place in every cache */
		OBJECT_NONE,  /* nothing there to read */
	} state;
	int error; /* of the last try, a negative errno; 0: it can be read */
	struct file_key key;
};

/*
 * What the cache makes of the object that the process has mapped there; NULL:
 * nothing. Read through /proc the first time, and again when the cache has dropped
 * it. An object that cannot be read is not tried again: maps that are read anew
 * have new objects. But where descriptors or memory are short here, that says nothing of
 * the object, and it is. `use_map_files` as in mapped_file.h.
 */
const void *mapped_object_find(struct mapped_object *object, pid_t pid,
			       const struct mapping *mapping, bool use_map_files,
			       struct file_cache *cache);

#endif
