/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_FILE_KEY_H
#define PARKSCOPE_PROCESS_FILE_KEY_H

/*
 * Which file it is, to remember what was made of it.
 *
 * A file is known by what fstat(2) says of the open file, never by what a
 * process's maps or the file's build id say: both are the process's word, and a
 * process that lies must not give other processes its names or tables. The time
 * of the last change is part of it, so that a file written in place is read again.
 */

#include <stddef.h>
#include <stdint.h>

struct file_key {
	uint64_t device;
	uint64_t inode;      /* 0: no file, but an image in memory */
	uint64_t size;       /* bytes */
	uint64_t changed_ns; /* st_ctim; of an image in memory its hash */
};

/* 0, or what fstat(2) says. */
int file_key_of(int fd, struct file_key *key);

/* The key of what is no file, such as a vdso: by content, whose process it ever is. */
struct file_key file_key_of_image(const void *data, size_t size);

#endif
