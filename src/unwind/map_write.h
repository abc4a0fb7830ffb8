/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_MAP_WRITE_H
#define PARKSCOPE_UNWIND_MAP_WRITE_H

/*
 * Writes into a BPF array that can be mapped (BPF_F_MMAPABLE): many elements for the
 * price of a few page table entries. The pages are mapped only while they are written:
 * all that is mapped counts as this process's memory, whether it is used or not.
 */

#include <stddef.h>

/*
 * Copies `size` bytes to `offset` bytes into the array's values. Elements must be a
 * multiple of 8 bytes, or the kernel rounds them up. 0, or a negative errno: nothing
 * was written.
 */
int map_write(int fd, size_t offset, const void *bytes, size_t size);

#endif
