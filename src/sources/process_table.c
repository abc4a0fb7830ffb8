// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/process_table.h"

#include <stdlib.h>
#include <string.h>

#include "process/process_identity.h"

struct process_table {
	struct process_entry *living;
	uint32_t generations;
	struct memory_room *room;
	struct process_entry *ended; /* by ended_key; a pid that was used again can repeat it */
	void (*settle)(struct process_entry *entry, void *context); /* NULL: nothing to do */
	void *settle_context;
};

struct process_table *process_table_new(struct memory_room *room)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (table)
		table->room = room;
	return table;
}

void process_table_on_exec(struct process_table *table,
			   void (*settle)(struct process_entry *, void *), void *context)
{
	table->settle = settle;
	table->settle_context = context;
}

bool process_entry_is_past(const struct process_entry *entry, uint32_t exec_id)
{
	return (int32_t)(entry->process->exec_id - exec_id) > 0;
}

struct process_ref process_entry_ref(const struct process_entry *entry)
{
	return (struct process_ref){.pid = (pid_t)entry->tgid, .generation = entry->generation};
}

static void forget_places(struct process_entry *entry)
{
	struct place *place, *next;

	HASH_ITER (hh, entry->places, place, next) {
		HASH_DEL(entry->places, place);
		free(place);
	}
	entry->places_count = 0;
}

static void process_entry_free(struct process_entry *entry)
{
	forget_places(entry);
	watched_process_free(entry->process);
	free(entry);
}

void process_table_drop_ended(struct process_table *table)
{
	struct process_entry *entry, *next;

	HASH_ITER (hh, table->ended, entry, next) {
		HASH_DEL(table->ended, entry);
		process_entry_free(entry);
		memory_room_give(table->room, MEMORY_PROCESS);
	}
}

void process_table_free(struct process_table *table)
{
	struct process_entry *entry, *next;

	if (!table)
		return;
	process_table_drop_ended(table);
	HASH_ITER (hh, table->living, entry, next) {
		HASH_DEL(table->living, entry);
		process_entry_free(entry);
	}
	free(table);
}

struct process_entry *process_table_find(const struct process_table *table, uint32_t tgid)
{
	struct process_entry *entry = NULL;

	HASH_FIND(hh, table->living, &tgid, sizeof(tgid), entry);
	return entry;
}

struct process_entry *process_table_find_exec(const struct process_table *table, uint32_t tgid,
					      uint32_t exec_id)
{
	const struct process_entry wanted = {.ended_key = {.tgid = tgid, .exec_id = exec_id}};
	struct process_entry *entry = process_table_find(table, tgid);

	if (entry && entry->process->exec_id == exec_id)
		return entry;
	HASH_FIND(hh, table->ended, &wanted.ended_key, sizeof(wanted.ended_key), entry);
	return entry;
}

/* Keeps what was known where the new text is missing or there is no memory. */
static void replace_string(char **target, const char *text)
{
	char *copy = text && *text ? strdup(text) : NULL;

	if (!copy)
		return;
	free(*target);
	*target = copy;
}

/* What cannot be read, because the process is gone, stays as it was. */
static void identify(struct watched_process *process)
{
	auto_free(process_identity) struct process_identity *identity = NULL;

	if (process_identity_read((pid_t)process->pid, &identity, NULL))
		return;
	replace_string(&process->name, identity->name);
	replace_string(&process->executable, identity->executable);
	replace_string(&process->container_id, identity->container_id);
	replace_string(&process->entity_id, identity->entity_id);
	process->ns_pid = (uint32_t)identity->ns_pid;
	process->start_unix_ns = identity->start_unix_ns;
}

struct process_entry *process_table_enter(struct process_table *table, uint32_t tgid,
					  uint64_t leader_start_ns, uint32_t exec_id,
					  uint64_t now_ns)
{
	struct process_entry *entry = process_table_find(table, tgid);

	if (entry && leader_start_ns) {
		if (!entry->process->start_ns)
			entry->process->start_ns = leader_start_ns;
		if (entry->process->start_ns != leader_start_ns) {
			process_table_end(table, entry);
			entry = NULL;
		}
	}
	if (entry) {
		process_table_exec(table, entry, exec_id);
		return entry;
	}

	if (!memory_room_take(table->room, MEMORY_PROCESS))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->process = watched_process_new(tgid, leader_start_ns, now_ns);
	if (!entry || !entry->process) {
		memory_room_refuse(table->room);
		free(entry);
		return NULL;
	}
	entry->tgid = tgid;
	entry->generation = ++table->generations;
	entry->process->room = table->room;
	entry->process->exec_id = exec_id;
	identify(entry->process);
	HASH_ADD(hh, table->living, tgid, sizeof(entry->tgid), entry);
	return entry;
}

void process_table_exec(struct process_table *table, struct process_entry *entry, uint32_t exec_id)
{
	if (entry->process->exec_id == exec_id || process_entry_is_past(entry, exec_id))
		return;
	if (table->settle)
		table->settle(entry, table->settle_context);
	entry->generation = ++table->generations;
	entry->process->exec_id = exec_id;
	identify(entry->process);
	forget_places(entry);
}

void process_table_end(struct process_table *table, struct process_entry *entry)
{
	if (entry->process->ended)
		return;
	entry->process->ended = true;
	HASH_DEL(table->living, entry);
	entry->ended_key.tgid = entry->tgid;
	entry->ended_key.exec_id = entry->process->exec_id;
	HASH_ADD(hh, table->ended, ended_key, sizeof(entry->ended_key), entry);
}

void process_table_each(struct process_table *table, bool with_ended,
			void (*visit)(struct process_entry *, void *), void *context)
{
	struct process_entry *entry, *next;

	HASH_ITER (hh, table->living, entry, next)
		visit(entry, context);
	if (!with_ended)
		return;
	HASH_ITER (hh, table->ended, entry, next)
		visit(entry, context);
}

size_t process_table_count(const struct process_table *table, bool with_ended)
{
	return HASH_COUNT(table->living) + (with_ended ? HASH_COUNT(table->ended) : 0);
}
