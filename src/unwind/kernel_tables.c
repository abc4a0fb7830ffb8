// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/kernel_tables.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <xxhash.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "unwind/kernel_rows.h"
#include "unwind/map_write.h"
#include "unwind/range_allocator.h"

/*
 * How often BPF may ask for newer mappings of one process: at first often, as a program
 * that starts maps one library after the other; each time half as often as before.
 */
#define REQUEST_INTERVAL_MIN_NS 10000000ULL
#define REQUEST_INTERVAL_MAX_NS 10000000000ULL
/* Who was loaded a shorter time ago than this does not make room for others. */
#define KEPT_AT_LEAST_NS 10000000000ULL
/* So many make room for one. */
#define EVICTIONS_MAX 8
/* What one load may take; files whose turn has not come by then wait for the next. */
#define LOAD_TIME_MAX_NS 500000000ULL
/* How old a list may get before it is compared with the maps, though nobody asked. */
#define LIST_AGE_MAX_NS 10000000000ULL

/* A list of mappings while it is made, or as it was published. */
struct mapping_list {
	struct abi_unwind_mapping *mappings;
	size_t count;
	size_t capacity;
	struct kernel_rows_file **files; /* whose rows it refers to, once for each mapping */
	size_t files_count;
};

struct loaded_process {
	pid_t pid; /* the key */
	struct kernel_tables_process process;
	struct abi_unwind_process published;
	struct mapping_list list; /* without its `mappings`, which are published */
	uint64_t content;         /* hash of the list */
	uint64_t loaded_ns;
	UT_hash_handle hh;
	struct loaded_process *prev, *next; /* the longest loaded first */
};

/* Entries of `unwind_mappings` that BPF may still be reading. */
struct retired {
	uint32_t first;
	uint32_t length;
};

struct kernel_tables {
	struct kernel_tables_config config;
	struct kernel_rows *rows;
	struct range_allocator *entries;
	struct retired *retired;
	size_t retired_count;
	struct loaded_process *by_pid;
	struct loaded_process *by_age;
	uint32_t owners;
	uint64_t evicted;
};

int kernel_tables_new(const struct kernel_tables_config *config, struct kernel_tables **ret,
		      struct error *error)
{
	auto_free(kernel_tables) struct kernel_tables *tables = calloc(1, sizeof(*tables));
	int err;

	if (!tables)
		return error_set(error, -ENOMEM, "out of memory");
	tables->config = *config;
	tables->entries = range_allocator_new(ABI_UNWIND_MAPPINGS_MAX);
	if (!tables->entries)
		return error_set(error, -ENOMEM, "out of memory");
	err = kernel_rows_new(config->shards_fd, config->limit, &tables->rows, error);
	if (err)
		return err;
	*ret = take_ptr(tables);
	return 0;
}

static void release_files(struct kernel_tables *tables, struct mapping_list *list)
{
	for (size_t i = 0; i < list->files_count; i++)
		kernel_rows_release(tables->rows, list->files[i]);
	free(list->files);
	list->files = NULL;
	list->files_count = 0;
}

static void clear_list(struct kernel_tables *tables, struct mapping_list *list)
{
	release_files(tables, list);
	list->count = 0;
}

/* The entries are no longer published, but may still be read. */
static void retire(struct kernel_tables *tables, uint32_t first, uint32_t length)
{
	struct retired *grown;

	if (!length)
		return;
	grown = realloc(tables->retired, (tables->retired_count + 1) * sizeof(*grown));
	/* Without memory the entries are lost, which is safe. */
	if (!grown)
		return;
	tables->retired = grown;
	tables->retired[tables->retired_count++] = (struct retired){first, length};
}

static void unload(struct kernel_tables *tables, struct loaded_process *process)
{
	uint32_t tgid = (uint32_t)process->pid;

	bpf_map_delete_elem(tables->config.processes_fd, &tgid);
	retire(tables, process->published.first_mapping, process->published.mappings);
	release_files(tables, &process->list);
	HASH_DEL(tables->by_pid, process);
	DL_DELETE(tables->by_age, process);
	free(process);
}

void kernel_tables_free(struct kernel_tables *tables)
{
	if (!tables)
		return;
	while (tables->by_age)
		unload(tables, tables->by_age);
	kernel_rows_free(tables->rows);
	range_allocator_free(tables->entries);
	free(tables->retired);
	free(tables);
}

static struct loaded_process *find_process(const struct kernel_tables *tables, pid_t pid)
{
	struct loaded_process *process = NULL;

	HASH_FIND_INT(tables->by_pid, &pid, process);
	return process;
}

void kernel_tables_forget(struct kernel_tables *tables, pid_t pid)
{
	struct loaded_process *process = find_process(tables, pid);

	if (process)
		unload(tables, process);
}

static bool same_program(const struct kernel_tables_process *a,
			 const struct kernel_tables_process *b)
{
	return a->ref.pid == b->ref.pid && a->ref.generation == b->ref.generation &&
	       a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

bool kernel_tables_knows(const struct kernel_tables *tables, pid_t pid)
{
	return find_process(tables, pid) != NULL;
}

static int append_mapping(struct mapping_list *list, const struct abi_unwind_mapping *mapping)
{
	if (list->count == ABI_UNWIND_PROCESS_MAPPINGS_MAX)
		return -E2BIG;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct abi_unwind_mapping *grown =
			realloc(list->mappings, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->mappings = grown;
		list->capacity = capacity;
	}
	list->mappings[list->count++] = *mapping;
	return 0;
}

static int append_file(struct mapping_list *list, struct kernel_rows_file *file)
{
	struct kernel_rows_file **grown =
		realloc(list->files, (list->files_count + 1) * sizeof(struct kernel_rows_file *));

	if (!grown)
		return -ENOMEM;
	list->files = grown;
	list->files[list->files_count++] = file;
	return 0;
}

/* One entry for each piece of the file's rows that the mapping needs. */
static int append_pieces(struct mapping_list *list, const struct mapping *mapping,
			 const struct code *code, const struct kernel_rows_file *file)
{
	uint64_t base = unwind_table_base(code->table) + code->bias;
	const struct kernel_rows_piece *pieces;
	size_t count = kernel_rows_pieces(file, &pieces);

	for (size_t i = 0; i < count; i++) {
		uint64_t start = i ? base + pieces[i].first_pc : mapping->start;
		uint64_t end = i + 1 < count ? base + pieces[i + 1].first_pc : mapping->end;
		struct abi_unwind_mapping entry = {
			.start = start > mapping->start ? start : mapping->start,
			.end = end < mapping->end ? end : mapping->end,
			.base = base,
			.first_row = pieces[i].first_row,
			.rows = pieces[i].rows,
			.shard = pieces[i].shard,
			.marks = (uint16_t)code->marks,
		};
		int err = entry.start < entry.end ? append_mapping(list, &entry) : 0;

		if (err)
			return err;
	}
	return 0;
}

static int append_without_rows(struct mapping_list *list, const struct mapping *mapping,
			       uint32_t marks)
{
	const struct abi_unwind_mapping entry = {
		.start = mapping->start,
		.end = mapping->end,
		.marks = (uint16_t)marks,
	};

	return append_mapping(list, &entry);
}

/* What has rows has them in the kernel when this returns. */
static int append_code(struct kernel_tables *tables, pid_t pid, const struct mapping *mapping,
		       struct mapped_object *object, struct mapping_list *list)
{
	struct code code = code_tables_of(tables->config.tables, pid, mapping, object);
	struct kernel_rows_file *file = NULL;
	int err;

	if (!code.table)
		return append_without_rows(list, mapping, code.marks);
	err = kernel_rows_acquire(tables->rows, &object->key, code.table, &file);
	if (err)
		return err;
	err = append_file(list, file);
	if (err) {
		kernel_rows_release(tables->rows, file);
		return err;
	}
	return append_pieces(list, mapping, &code, file);
}

static int make_list(struct kernel_tables *tables, struct process_mappings *mappings, pid_t pid,
		     struct mapping_list *list)
{
	const uint64_t deadline_ns = monotonic_ns() + LOAD_TIME_MAX_NS;
	size_t count = process_mappings_count(mappings);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		struct mapped_object *object;
		const struct mapping *mapping = process_mappings_at(mappings, i, &object);

		if (monotonic_ns() < deadline_ns)
			err = append_code(tables, pid, mapping, object, list);
		else
			err = append_without_rows(list, mapping, UNWIND_MAPPING_NO_TABLE);
	}
	return err;
}

/* Makes retired entries free again; false: there were none. */
static bool reclaim_entries(struct kernel_tables *tables)
{
	if (!tables->retired_count || kernel_rows_wait_for_readers(tables->rows))
		return false;
	for (size_t i = 0; i < tables->retired_count; i++)
		range_allocator_give(tables->entries, tables->retired[i].first,
				     tables->retired[i].length);
	tables->retired_count = 0;
	return true;
}

/* The process that was loaded first makes room; false: it is not its time yet. */
static bool evict(struct kernel_tables *tables, pid_t except, uint64_t now_ns)
{
	struct loaded_process *oldest = tables->by_age;

	if (oldest && oldest->pid == except)
		oldest = oldest->next;
	if (!oldest || now_ns - oldest->loaded_ns < KEPT_AT_LEAST_NS)
		return false;
	unload(tables, oldest);
	tables->evicted++;
	return true;
}

static int take_entries(struct kernel_tables *tables, uint32_t count, pid_t except, uint64_t now_ns,
			uint32_t *first)
{
	int err = range_allocator_take(tables->entries, count, first);

	while (err == -ENOSPC && (reclaim_entries(tables) || evict(tables, except, now_ns)))
		err = range_allocator_take(tables->entries, count, first);
	return err;
}

static struct loaded_process *enter_process(struct kernel_tables *tables, pid_t pid)
{
	struct loaded_process *process = find_process(tables, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	HASH_ADD_INT(tables->by_pid, pid, process);
	if (!process->hh.tbl) {
		free(process);
		return NULL;
	}
	DL_APPEND(tables->by_age, process);
	return process;
}

static int publish(struct kernel_tables *tables, struct loaded_process *process,
		   const struct abi_unwind_process *published)
{
	uint32_t tgid = (uint32_t)process->pid;
	int err = bpf_map_update_elem(tables->config.processes_fd, &tgid, published, BPF_ANY);

	if (!err)
		process->published = *published;
	return err;
}

/* It is as new as can be now, and the last to make room. */
static void mark_loaded(struct kernel_tables *tables, struct loaded_process *process,
			uint64_t now_ns)
{
	process->loaded_ns = now_ns;
	DL_DELETE(tables->by_age, process);
	DL_APPEND(tables->by_age, process);
}

/* Until it may ask again, after it asked now. `loaded`: as it was before, or NULL. */
static uint64_t request_interval_ns(const struct loaded_process *loaded,
				    const struct kernel_tables_process *wanted, uint64_t now_ns)
{
	uint64_t interval_ns;

	if (!loaded || !same_program(&loaded->process, wanted) ||
	    now_ns - loaded->published.requested_ns > 2 * REQUEST_INTERVAL_MAX_NS)
		return REQUEST_INTERVAL_MIN_NS;
	interval_ns = 2 * loaded->published.request_interval_ns;
	return interval_ns < REQUEST_INTERVAL_MAX_NS ? interval_ns : REQUEST_INTERVAL_MAX_NS;
}

/* Nothing has changed since it was loaded: most likely it runs code without tables. */
static int publish_again(struct kernel_tables *tables, struct loaded_process *process,
			 uint64_t interval_ns, uint64_t now_ns)
{
	struct abi_unwind_process published = process->published;

	mark_loaded(tables, process, now_ns);
	published.requested_ns = now_ns;
	published.request_interval_ns = interval_ns;
	return publish(tables, process, &published);
}

/* Puts the list where BPF reads and replaces the one before; takes the list's files over. */
static int publish_list(struct kernel_tables *tables, const struct kernel_tables_process *wanted,
			struct mapping_list *list, uint64_t content, uint64_t interval_ns,
			uint64_t now_ns)
{
	struct abi_unwind_process published = {
		.start_ns = wanted->start_ns,
		.exec_id = wanted->exec_id,
		.requested_ns = now_ns,
		.request_interval_ns = interval_ns,
		.mappings = (uint32_t)list->count,
	};
	struct abi_unwind_process before;
	struct loaded_process *process;
	int err = 0;

	if (published.mappings)
		err = take_entries(tables, published.mappings, wanted->ref.pid, now_ns,
				   &published.first_mapping);
	if (err)
		return err;
	published.owner = ++tables->owners;
	for (size_t i = 0; i < list->count; i++)
		list->mappings[i].owner = published.owner;
	err = map_write(tables->config.mappings_fd,
			published.first_mapping * sizeof(*list->mappings), list->mappings,
			list->count * sizeof(*list->mappings));

	process = err ? NULL : enter_process(tables, wanted->ref.pid);
	if (!err && !process)
		err = -ENOMEM;
	if (!err) {
		before = process->published;
		err = publish(tables, process, &published);
		/* The first of this process, and the map is full. */
		if (err && !before.owner)
			unload(tables, process);
	}
	if (err) {
		if (published.mappings)
			range_allocator_give(tables->entries, published.first_mapping,
					     published.mappings);
		return err;
	}
	retire(tables, before.first_mapping, before.mappings);
	release_files(tables, &process->list);
	process->list.files = take_ptr(list->files);
	process->list.files_count = list->files_count;
	list->files_count = 0;
	process->process = *wanted;
	process->content = content;
	mark_loaded(tables, process, now_ns);
	return 0;
}

/* Makes the list, at the cost of those who were loaded first if there is no room. */
static int make_list_with_room(struct kernel_tables *tables, struct process_mappings *mappings,
			       pid_t pid, struct mapping_list *list, uint64_t now_ns)
{
	int err = make_list(tables, mappings, pid, list);

	for (int i = 0; err == -ENOSPC && i < EVICTIONS_MAX && evict(tables, pid, now_ns); i++) {
		clear_list(tables, list);
		err = make_list(tables, mappings, pid, list);
	}
	return err;
}

/* `asked`: BPF has met code that it does not know; else nobody needs to hear of an old list. */
static int publish_anew(struct kernel_tables *tables, const struct kernel_tables_process *wanted,
			struct mapping_list *list, bool asked, uint64_t now_ns)
{
	const uint64_t content = XXH3_64bits(list->mappings, list->count * sizeof(*list->mappings));
	struct loaded_process *loaded = find_process(tables, wanted->ref.pid);
	uint64_t interval_ns = request_interval_ns(loaded, wanted, now_ns);

	if (loaded && same_program(&loaded->process, wanted) && loaded->content == content) {
		if (asked)
			return publish_again(tables, loaded, interval_ns, now_ns);
		mark_loaded(tables, loaded, now_ns);
		return 0;
	}
	return publish_list(tables, wanted, list, content, interval_ns, now_ns);
}

/*
 * What was published for this program stays; else it is published without mappings. In
 * both cases it asks less often from then on.
 */
static void publish_failure(struct kernel_tables *tables,
			    const struct kernel_tables_process *wanted, struct mapping_list *list,
			    uint64_t now_ns)
{
	struct loaded_process *loaded = find_process(tables, wanted->ref.pid);

	clear_list(tables, list);
	if (loaded && same_program(&loaded->process, wanted))
		publish_again(tables, loaded, request_interval_ns(loaded, wanted, now_ns), now_ns);
	else
		publish_anew(tables, wanted, list, true, now_ns);
}

static int load(struct kernel_tables *tables, const struct kernel_tables_process *wanted,
		bool asked, uint64_t now_ns)
{
	struct process_mappings *mappings =
		mapping_cache_get(tables->config.mappings, &wanted->ref, now_ns);
	struct mapping_list list = {0};
	int err;

	if (!mappings)
		return -ESRCH;
	if (process_mappings_age_ns(mappings, now_ns) > 0)
		process_mappings_refresh(tables->config.mappings, mappings, now_ns);
	err = make_list_with_room(tables, mappings, wanted->ref.pid, &list, now_ns);
	if (!err)
		err = publish_anew(tables, wanted, &list, asked, now_ns);
	if (err)
		publish_failure(tables, wanted, &list, now_ns);
	clear_list(tables, &list);
	free(list.mappings);
	return err;
}

int kernel_tables_load(struct kernel_tables *tables, const struct kernel_tables_process *wanted,
		       uint64_t now_ns)
{
	return load(tables, wanted, true, now_ns);
}

void kernel_tables_refresh_oldest(struct kernel_tables *tables, uint64_t now_ns)
{
	struct loaded_process *oldest = tables->by_age;
	struct kernel_tables_process process;

	if (!oldest || now_ns - oldest->loaded_ns < LIST_AGE_MAX_NS)
		return;
	process = oldest->process;
	/* Whoever is gone is forgotten when its end is reported. */
	if (load(tables, &process, false, now_ns) == -ESRCH)
		mark_loaded(tables, oldest, now_ns);
}

void kernel_tables_set_limit(struct kernel_tables *tables, size_t limit)
{
	kernel_rows_set_limit(tables->rows, limit);
}

void kernel_tables_statistics(const struct kernel_tables *tables,
			      struct kernel_tables_statistics *statistics)
{
	*statistics = (struct kernel_tables_statistics){
		.processes = HASH_COUNT(tables->by_pid),
		.mappings = ABI_UNWIND_MAPPINGS_MAX - range_allocator_available(tables->entries),
		.memory = kernel_rows_memory(tables->rows),
		.evicted = tables->evicted,
	};
}
