/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_KERNEL_ROWS_H
#define PARKSCOPE_UNWIND_KERNEL_ROWS_H

/*
 * The rows of unwind tables where BPF reads them: in shards of 1 MiB, made when they
 * are needed, which files share. A file's rows lie in one or several pieces. For one
 * thread at a time.
 *
 * Rows that nobody refers to any more stay for whoever maps the file next, until
 * their place is needed.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bpf/unwind_row.h"
#include "process/file_key.h"
#include "unwind/unwind_table.h"

struct kernel_rows;

/* A part of a file's rows, which follow each other in one shard. */
struct kernel_rows_piece {
	uint32_t first_pc; /* of its first row */
	uint32_t first_row;
	uint32_t rows;
	uint16_t shard;
};

/* The rows of one file. */
struct kernel_rows_file;

/* `shards_fd`: the map `unwind_shards`, not owned. `limit` in bytes. */
int kernel_rows_new(int shards_fd, size_t limit, struct kernel_rows **rows, struct error *error);
void kernel_rows_free(struct kernel_rows *rows);
define_auto_free(kernel_rows)

/* From now on. What is there already stays. */
void kernel_rows_set_limit(struct kernel_rows *rows, size_t limit);

/*
 * The rows of this file, written unless they are there; each call is matched by one
 * of kernel_rows_release(). -ENOSPC: the limit is met by files that are in use.
 */
int kernel_rows_acquire(struct kernel_rows *rows, const struct file_key *key,
			const struct unwind_table *table, struct kernel_rows_file **file);
void kernel_rows_release(struct kernel_rows *rows, struct kernel_rows_file *file);

/* By ascending pc; belong to the file. */
size_t kernel_rows_pieces(const struct kernel_rows_file *file,
			  const struct kernel_rows_piece **pieces);

/*
 * Waits until no BPF program runs that ran when this was called (a change of a map of
 * maps ends with the kernel's synchronize_rcu(): kernel/bpf/syscall.c,
 * maybe_wait_bpf_programs()). Some 10 ms.
 */
int kernel_rows_wait_for_readers(struct kernel_rows *rows);

/* Bytes of kernel memory that the shards take. */
size_t kernel_rows_memory(const struct kernel_rows *rows);

#endif
