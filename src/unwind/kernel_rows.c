// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/kernel_rows.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "bpf/abi.h"
#include "unwind/map_write.h"
#include "unwind/range_allocator.h"

#define SHARD_BYTES (ABI_UNWIND_SHARD_ROWS * sizeof(struct unwind_row))

struct shard {
	int fd;
	struct range_allocator *free_rows;
};

struct kernel_rows_file {
	struct file_key key;
	unsigned int users;
	struct kernel_rows_piece *pieces;
	size_t count;
	UT_hash_handle hh;
	struct kernel_rows_file *prev, *next; /* without users, the longest so first */
};

struct kernel_rows {
	int shards_fd;
	size_t shards_max;
	struct shard *shards;
	size_t count;
	struct kernel_rows_file *files;
	struct kernel_rows_file *unused;
};

static void close_shard(struct shard *shard)
{
	range_allocator_free(shard->free_rows);
	if (shard->fd >= 0)
		close(shard->fd);
}

/* Makes a shard and shows it to BPF. */
static int add_shard(struct kernel_rows *rows)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct shard shard = {.fd = -1};
	uint32_t index = (uint32_t)rows->count;
	struct shard *grown;
	int err;

	if (rows->count >= rows->shards_max)
		return -ENOSPC;
	grown = realloc(rows->shards, (rows->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rows->shards = grown;

	shard.fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_shard", sizeof(uint32_t),
				  sizeof(struct unwind_row), ABI_UNWIND_SHARD_ROWS, &options);
	if (shard.fd < 0)
		return -errno;
	shard.free_rows = range_allocator_new(ABI_UNWIND_SHARD_ROWS);
	err = shard.free_rows ? bpf_map_update_elem(rows->shards_fd, &index, &shard.fd, BPF_ANY)
			      : -ENOMEM;
	if (err) {
		close_shard(&shard);
		return err;
	}
	rows->shards[rows->count++] = shard;
	return 0;
}

void kernel_rows_set_limit(struct kernel_rows *rows, size_t limit)
{
	rows->shards_max = limit / SHARD_BYTES;
	if (rows->shards_max > ABI_UNWIND_SHARDS_MAX)
		rows->shards_max = ABI_UNWIND_SHARDS_MAX;
	if (!rows->shards_max)
		rows->shards_max = 1;
}

int kernel_rows_new(int shards_fd, size_t limit, struct kernel_rows **ret, struct error *error)
{
	auto_free(kernel_rows) struct kernel_rows *rows = calloc(1, sizeof(*rows));
	int err = rows ? 0 : -ENOMEM;

	if (rows) {
		rows->shards_fd = shards_fd;
		kernel_rows_set_limit(rows, limit);
		err = add_shard(rows);
	}
	if (err)
		return error_set(error, err, "cannot make room for unwind tables: %s",
				 strerror(-err));
	*ret = take_ptr(rows);
	return 0;
}

static void free_file(struct kernel_rows_file *file)
{
	free(file->pieces);
	free(file);
}

void kernel_rows_free(struct kernel_rows *rows)
{
	struct kernel_rows_file *file, *next;

	if (!rows)
		return;
	HASH_ITER (hh, rows->files, file, next) {
		HASH_DEL(rows->files, file);
		free_file(file);
	}
	for (size_t i = 0; i < rows->count; i++)
		close_shard(&rows->shards[i]);
	free(rows->shards);
	free(rows);
}

int kernel_rows_wait_for_readers(struct kernel_rows *rows)
{
	const uint32_t first = 0;

	return bpf_map_update_elem(rows->shards_fd, &first, &rows->shards[0].fd, BPF_ANY);
}

static void give_back(struct kernel_rows *rows, const struct kernel_rows_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct kernel_rows_piece *piece = &file->pieces[i];

		range_allocator_give(rows->shards[piece->shard].free_rows, piece->first_row,
				     piece->rows);
	}
}

/* Forgets the rows of files that nobody uses; false: there are none. */
static bool reclaim(struct kernel_rows *rows)
{
	struct kernel_rows_file *file, *next;

	/* Who read through a mapping that is gone must have ended. */
	if (!rows->unused || kernel_rows_wait_for_readers(rows))
		return false;
	DL_FOREACH_SAFE(rows->unused, file, next)
	{
		DL_DELETE(rows->unused, file);
		HASH_DEL(rows->files, file);
		give_back(rows, file);
		free_file(file);
	}
	return true;
}

/* The shard with the least room that is enough; if none has, the one with most. */
static size_t best_shard(const struct kernel_rows *rows, uint32_t wanted, uint32_t *room)
{
	size_t best = 0;

	*room = 0;
	for (size_t i = 0; i < rows->count; i++) {
		uint32_t longest = range_allocator_longest(rows->shards[i].free_rows);
		bool better =
			*room < wanted ? longest > *room : longest >= wanted && longest < *room;

		if (better) {
			best = i;
			*room = longest;
		}
	}
	return best;
}

/* Takes room for up to `wanted` rows, all in one piece where that is possible. */
static int take_piece(struct kernel_rows *rows, uint32_t wanted, struct kernel_rows_piece *piece)
{
	uint32_t whole = wanted > ABI_UNWIND_SHARD_ROWS ? ABI_UNWIND_SHARD_ROWS : wanted;
	uint32_t room;
	size_t shard = best_shard(rows, whole, &room);

	if (room < whole) {
		int err = add_shard(rows);

		if ((err == -ENOSPC || err == -ENOMEM) && reclaim(rows))
			return take_piece(rows, wanted, piece);
		if (err)
			return err;
		shard = rows->count - 1;
	}
	piece->shard = (uint16_t)shard;
	piece->rows = whole;
	return range_allocator_take(rows->shards[shard].free_rows, whole, &piece->first_row);
}

static int write_rows(struct kernel_rows *rows, const struct unwind_table *table,
		      struct kernel_rows_file *file)
{
	size_t count, done = 0;
	const struct unwind_row *from = unwind_table_rows(table, &count);

	file->pieces = calloc(count / ABI_UNWIND_SHARD_ROWS + 1, sizeof(*file->pieces));
	if (!file->pieces)
		return -ENOMEM;
	while (done < count) {
		struct kernel_rows_piece *piece = &file->pieces[file->count];
		int err = take_piece(rows, (uint32_t)(count - done), piece);

		if (err)
			return err;
		file->count++;
		piece->first_pc = from[done].pc;
		err = map_write(rows->shards[piece->shard].fd, piece->first_row * sizeof(*from),
				&from[done], piece->rows * sizeof(*from));
		if (err)
			return err;
		done += piece->rows;
	}
	return 0;
}

static int add_file(struct kernel_rows *rows, const struct file_key *key,
		    const struct unwind_table *table, struct kernel_rows_file **ret)
{
	struct kernel_rows_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->key = *key;
	err = write_rows(rows, table, file);
	if (!err) {
		HASH_ADD(hh, rows->files, key, sizeof(file->key), file);
		err = file->hh.tbl ? 0 : -ENOMEM;
	}
	if (err) {
		give_back(rows, file);
		free_file(file);
		return err;
	}
	file->users = 1;
	*ret = file;
	return 0;
}

int kernel_rows_acquire(struct kernel_rows *rows, const struct file_key *key,
			const struct unwind_table *table, struct kernel_rows_file **ret)
{
	struct kernel_rows_file *file;

	HASH_FIND(hh, rows->files, key, sizeof(*key), file);
	if (!file)
		return add_file(rows, key, table, ret);
	if (!file->users++)
		DL_DELETE(rows->unused, file);
	*ret = file;
	return 0;
}

void kernel_rows_release(struct kernel_rows *rows, struct kernel_rows_file *file)
{
	if (!--file->users)
		DL_APPEND(rows->unused, file);
}

size_t kernel_rows_pieces(const struct kernel_rows_file *file,
			  const struct kernel_rows_piece **pieces)
{
	*pieces = file->pieces;
	return file->count;
}

size_t kernel_rows_memory(const struct kernel_rows *rows)
{
	return rows->count * SHARD_BYTES;
}
