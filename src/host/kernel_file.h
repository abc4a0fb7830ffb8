/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_KERNEL_FILE_H
#define PARKSCOPE_HOST_KERNEL_FILE_H

/* Small files of procfs and cgroupfs, read into memory of the caller, and what is in them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the file into `text`, as far as there is room, and ends it by a NUL. 0 or a negative
 * errno.
 */
int kernel_file_read(const char *path, char *text, size_t size);

/* The file is one decimal number, or "max", which is UINT64_MAX. 0 or a negative errno. */
int kernel_file_read_number(const char *path, uint64_t *number);

/*
 * Decimal digits of at most UINT64_MAX at the start of the text, ended by white space or its end.
 */
bool kernel_file_parse_number(const char *text, uint64_t *number);

/* What stands behind `key` at the start of a line, without spaces and tabs before it; or NULL. */
const char *kernel_file_field(const char *text, const char *key);

#endif
