// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_tables.h"

#include <errno.h>
#include <string.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "process/file_key.h"

struct go_shared_lines {
	struct file_key key;
	struct go_line_table *table;
	size_t users;
	struct go_line_tables *tables; /* NULL: they are gone */
	UT_hash_handle hh;
};

struct go_line_tables {
	struct go_shared_lines *by_key;
};

struct go_line_tables *go_line_tables_new(void)
{
	return calloc(1, sizeof(struct go_line_tables));
}

void go_line_tables_free(struct go_line_tables *tables)
{
	struct go_shared_lines *shared, *next;

	if (!tables)
		return;
	HASH_ITER (hh, tables->by_key, shared, next) {
		HASH_DEL(tables->by_key, shared);
		shared->tables = NULL;
	}
	free(tables);
}

const struct go_line_table *go_shared_lines_table(const struct go_shared_lines *shared)
{
	return shared->table;
}

void go_shared_lines_release(struct go_shared_lines *shared)
{
	if (!shared || --shared->users)
		return;
	if (shared->tables)
		HASH_DEL(shared->tables->by_key, shared);
	go_line_table_free(shared->table);
	free(shared);
}

static int load(struct go_line_tables *tables, const struct file_key *key, int fd,
		struct go_shared_lines **out, struct error *error)
{
	struct go_shared_lines *shared = calloc(1, sizeof(*shared));
	int err;

	if (!shared)
		return error_set(error, -ENOMEM, "no memory for Go's line table");
	shared->key = *key;
	shared->users = 1;
	err = go_line_table_load(fd, &shared->table, error);
	if (err) {
		free(shared);
		return err;
	}
	HASH_ADD(hh, tables->by_key, key, sizeof(shared->key), shared);
	/* Without memory for that, it is this user's alone. */
	if (shared->hh.tbl)
		shared->tables = tables;
	*out = shared;
	return 0;
}

int go_line_tables_get(struct go_line_tables *tables, int fd, struct go_shared_lines **out,
		       struct error *error)
{
	struct go_shared_lines *shared;
	struct file_key key;
	int err = file_key_of(fd, &key);

	if (err)
		return error_set(error, err, "cannot tell the file: %s", strerror(-err));
	HASH_FIND(hh, tables->by_key, &key, sizeof(key), shared);
	if (!shared)
		return load(tables, &key, fd, out, error);
	shared->users++;
	*out = shared;
	return 0;
}
