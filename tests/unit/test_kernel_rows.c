// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/kernel_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "bpf_maps.h"

enum {
	SHARD_BYTES = ABI_UNWIND_SHARD_ROWS * sizeof(struct unwind_row),
	ROWS_COMPARED = 500, /* of each piece */
};

/* More than six shards, and nearly one. */
static const char large_file[] = "/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1";
static const char file_of_one_shard[] = "/usr/lib/jvm/java-*-openjdk-amd64/lib/server/libjvm.so";
static const char small_file[] = "/lib/x86_64-linux-gnu/libc.so.6";

struct loaded {
	struct file_key key;
	struct unwind_table *table;
	const struct unwind_row *rows;
	size_t count;
};

static struct loaded load(const char *pattern)
{
	struct loaded loaded = {0};
	autoclose int fd = -1;
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	assert_true(fd >= 0);
	assert_int_equal(file_key_of(fd, &loaded.key), 0);
	assert_int_equal(unwind_table_load(fd, &loaded.table, NULL), 0);
	loaded.rows = unwind_table_rows(loaded.table, &loaded.count);
	return loaded;
}

static size_t shards_for(const struct loaded *loaded)
{
	return (loaded->count + ABI_UNWIND_SHARD_ROWS - 1) / ABI_UNWIND_SHARD_ROWS;
}

static struct kernel_rows *new_rows(const struct unwind_maps *maps, size_t shards)
{
	struct kernel_rows *rows = NULL;

	assert_int_equal(kernel_rows_new(maps->shards, shards * SHARD_BYTES, &rows, NULL), 0);
	return rows;
}

/* Some rows of each piece, its ends among them; and the pieces are all there is. */
static void assert_written(const struct unwind_maps *maps, const struct kernel_rows_file *file,
			   const struct loaded *loaded)
{
	const struct kernel_rows_piece *pieces;
	size_t count = kernel_rows_pieces(file, &pieces), done = 0;

	for (size_t i = 0; i < count; i++) {
		const struct kernel_rows_piece *piece = &pieces[i];
		uint32_t step = piece->rows / ROWS_COMPARED + 1;

		assert_int_equal(piece->first_pc, loaded->rows[done].pc);
		for (uint32_t j = 0; j < piece->rows; j++) {
			struct unwind_row row;

			if (j % step && j + 1 != piece->rows)
				continue;
			row = row_in_shard(maps, piece->shard, piece->first_row + j);
			assert_memory_equal(&row, &loaded->rows[done + j], sizeof(row));
		}
		done += piece->rows;
	}
	assert_int_equal(done, loaded->count);
}

static void a_file_of_several_shards(void **state)
{
	struct unwind_maps maps = unwind_maps_open();
	auto_free(kernel_rows) struct kernel_rows *rows = new_rows(&maps, 8);
	struct loaded large = load(large_file);
	struct kernel_rows_file *file = NULL;
	const struct kernel_rows_piece *pieces;
	size_t shards = shards_for(&large);

	(void)state;
	assert_int_equal(kernel_rows_acquire(rows, &large.key, large.table, &file), 0);
	assert_int_equal(kernel_rows_pieces(file, &pieces), shards);
	assert_written(&maps, file, &large);
	assert_int_equal(kernel_rows_memory(rows), shards * SHARD_BYTES);
	unwind_table_free(large.table);
	unwind_maps_close(&maps);
}

static void files_share_shards_and_users_share_files(void **state)
{
	struct unwind_maps maps = unwind_maps_open();
	auto_free(kernel_rows) struct kernel_rows *rows = new_rows(&maps, 8);
	struct loaded small = load(small_file);
	struct file_key other_key = small.key;
	struct kernel_rows_file *one = NULL, *again = NULL, *other = NULL;

	(void)state;
	other_key.inode++;
	assert_int_equal(kernel_rows_acquire(rows, &small.key, small.table, &one), 0);
	assert_int_equal(kernel_rows_acquire(rows, &small.key, small.table, &again), 0);
	assert_int_equal(kernel_rows_acquire(rows, &other_key, small.table, &other), 0);
	assert_ptr_equal(one, again);
	assert_ptr_not_equal(one, other);
	assert_written(&maps, one, &small);
	assert_written(&maps, other, &small);
	assert_int_equal(kernel_rows_memory(rows), SHARD_BYTES);
	unwind_table_free(small.table);
	unwind_maps_close(&maps);
}

static void only_what_nobody_uses_makes_room(void **state)
{
	struct unwind_maps maps = unwind_maps_open();
	struct loaded large = load(large_file), wanted = load(file_of_one_shard);
	size_t shards = shards_for(&large);
	auto_free(kernel_rows) struct kernel_rows *rows = new_rows(&maps, shards);
	struct kernel_rows_file *file = NULL, *again = NULL;

	(void)state;
	assert_true(large.count + wanted.count > shards * ABI_UNWIND_SHARD_ROWS);
	assert_int_equal(kernel_rows_acquire(rows, &large.key, large.table, &file), 0);
	assert_int_equal(kernel_rows_acquire(rows, &large.key, large.table, &again), 0);
	kernel_rows_release(rows, file);
	again = NULL;
	assert_int_equal(kernel_rows_acquire(rows, &wanted.key, wanted.table, &again), -ENOSPC);
	assert_null(again);
	assert_written(&maps, file, &large);

	kernel_rows_release(rows, file);
	assert_int_equal(kernel_rows_acquire(rows, &wanted.key, wanted.table, &file), 0);
	assert_written(&maps, file, &wanted);
	assert_int_equal(kernel_rows_memory(rows), shards * SHARD_BYTES);
	unwind_table_free(large.table);
	unwind_table_free(wanted.table);
	unwind_maps_close(&maps);
}

static void rows_stay_for_the_next_user(void **state)
{
	struct unwind_maps maps = unwind_maps_open();
	auto_free(kernel_rows) struct kernel_rows *rows = new_rows(&maps, 1);
	struct loaded small = load(small_file);
	struct kernel_rows_file *file = NULL, *again = NULL;

	(void)state;
	assert_int_equal(kernel_rows_acquire(rows, &small.key, small.table, &file), 0);
	kernel_rows_release(rows, file);
	assert_int_equal(kernel_rows_acquire(rows, &small.key, small.table, &again), 0);
	assert_ptr_equal(file, again);
	assert_written(&maps, again, &small);
	unwind_table_free(small.table);
	unwind_maps_close(&maps);
}

static void waiting_for_readers_ends(void **state)
{
	struct unwind_maps maps = unwind_maps_open();
	auto_free(kernel_rows) struct kernel_rows *rows = new_rows(&maps, 1);

	(void)state;
	assert_int_equal(kernel_rows_wait_for_readers(rows), 0);
	unwind_maps_close(&maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_several_shards),
		cmocka_unit_test(files_share_shards_and_users_share_files),
		cmocka_unit_test(only_what_nobody_uses_makes_room),
		cmocka_unit_test(rows_stay_for_the_next_user),
		cmocka_unit_test(waiting_for_readers_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
