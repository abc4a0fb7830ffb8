// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/dump_diff.h"

#include <stdlib.h>
#include <string.h>

#define RATE_SHORTEST_NS 1000000000LL

#define compare(a, b) (((a) > (b)) - ((a) < (b)))

/* A process of either dump, while they are brought together. */
struct side {
	const struct dump_process *process;
	bool is_new;
	bool paired; /* with itself in the other dump */
};

/* A site of either dump, while they are brought together. */
struct site_side {
	const struct dump_site *site;
	bool is_new;
};

const char *diff_change_name(enum diff_change change)
{
	static const char *const names[] = {
		[DIFF_SAME] = "same", [DIFF_NEW] = "new",       [DIFF_GONE] = "gone",
		[DIFF_GREW] = "grew", [DIFF_SHRANK] = "shrank",
	};

	return names[change];
}

void dump_diff_free(struct dump_diff *diff)
{
	if (!diff)
		return;
	for (size_t i = 0; i < diff->processes_count; i++)
		free(diff->processes[i].sites);
	free(diff->processes);
	free(diff);
}

static enum diff_change change_of(uint64_t old, uint64_t now)
{
	if (old == now)
		return DIFF_SAME;
	if (!old)
		return DIFF_NEW;
	if (!now)
		return DIFF_GONE;
	return now > old ? DIFF_GREW : DIFF_SHRANK;
}

static uint64_t size_of_change(uint64_t old, uint64_t now)
{
	return now > old ? now - old : old - now;
}

static int compare_site_sides(const void *left, const void *right)
{
	const struct site_side *a = left, *b = right;

	if (a->site->unit != b->site->unit)
		return compare(a->site->unit, b->site->unit);
	if (a->site->id != b->site->id)
		return compare(a->site->id, b->site->id);
	if (a->is_new != b->is_new)
		return compare(a->is_new, b->is_new);
	return compare(b->site->now, a->site->now);
}

static int compare_changes(const void *left, const void *right)
{
	const struct site_diff *a = left, *b = right;
	uint64_t change_a = size_of_change(a->old_now, a->new_now);
	uint64_t change_b = size_of_change(b->old_now, b->new_now);
	const struct dump_site *site_a = a->new ? a->new : a->old;
	const struct dump_site *site_b = b->new ? b->new : b->old;

	if (change_a != change_b)
		return compare(change_b, change_a);
	if (a->new_now != b->new_now)
		return compare(b->new_now, a->new_now);
	if (site_a->unit != site_b->unit)
		return compare(site_b->unit, site_a->unit);
	return compare(site_a->id, site_b->id);
}

/* Units that no application has: the Go runtime's goroutines, and threads with nothing to run. */
static bool is_folded(const struct dump_process *process, const struct dump_site *site,
		      const struct diff_rules *rules)
{
	if (rules->runtime)
		return false;
	return site->runtime ||
	       (process->go && site->unit == UNIT_THREAD && stack_is_go_runtime(site->stack));
}

/* Appends the sites that are compared; counts the others. */
static void take_sites(struct process_diff *diff, const struct dump_process *process, bool is_new,
		       const struct diff_rules *rules, struct site_side *sides, size_t *count)
{
	for (size_t i = 0; i < process->sites_count; i++) {
		const struct dump_site *site = &process->sites[i];
		struct unit_diff *unit = &diff->units[site->unit];
		bool folded = is_folded(process, site, rules);

		if (!unit_is_shown(rules->units, site->unit) || !site->now)
			continue;
		if (folded)
			*(is_new ? &unit->new_folded : &unit->old_folded) += site->now;
		else
			*(is_new ? &unit->new_parked : &unit->old_parked) += site->now;
		if (!folded)
			sides[(*count)++] = (struct site_side){site, is_new};
	}
}

static bool knows_stays(const struct dump_site *site)
{
	return site->stays.count || site->stays.shift;
}

/* `several`: more than one site of a dump is one here. */
static struct diff_stays stays_of(const struct site_diff *site, bool several)
{
	struct diff_stays stays = {0};

	if (several || (site->old && !knows_stays(site->old)) ||
	    (site->new && !knows_stays(site->new)))
		return stays;
	stays.known = true;
	if (site->old && site->new) {
		uint64_t most = site->old_now < site->new_now ? site->old_now : site->new_now;
		uint64_t kept =
			stay_sample_kept(&site->old->stays, site->old_now, &site->new->stays);

		stays.estimated = site->old->stays.shift || site->new->stays.shift;
		stays.stayed = kept < most ? kept : most;
	}
	stays.left = site->old_now - stays.stayed;
	stays.came = site->new_now - stays.stayed;
	return stays;
}

static void add_stays(struct diff_stays *sum, const struct diff_stays *stays)
{
	sum->known = sum->known && stays->known;
	sum->estimated = sum->estimated || stays->estimated;
	sum->stayed += stays->stayed;
	sum->left += stays->left;
	sum->came += stays->came;
}

/* Sides of one site, from `first` on; where the next one begins. */
static size_t merge_sides(struct process_diff *diff, const struct site_side *sides, size_t first,
			  size_t count)
{
	struct site_diff *site = &diff->sites[diff->sites_count++];
	struct unit_diff *unit = &diff->units[sides[first].site->unit];
	bool several = false;
	size_t i = first;

	*site = (struct site_diff){0};
	for (; i < count && sides[i].site->unit == sides[first].site->unit &&
	       sides[i].site->id == sides[first].site->id;
	     i++) {
		const struct dump_site **of = sides[i].is_new ? &site->new : &site->old;

		several = several || *of;
		if (!*of)
			*of = sides[i].site;
		*(sides[i].is_new ? &site->new_now : &site->old_now) += sides[i].site->now;
	}
	site->change = change_of(site->old_now, site->new_now);
	if (diff->same && !diff->other_program)
		site->stays = stays_of(site, several);
	add_stays(&unit->stays, &site->stays);
	unit->changes[site->change]++;
	diff->differs = diff->differs || site->change != DIFF_SAME;
	return i;
}

/* How many are there at all; NULL: the process is not in the dump. */
static bool count_units(const struct dump_process *process, enum unit unit, uint64_t *now)
{
	if (!process)
		return true;
	*now = unit == UNIT_THREAD ? process->threads : process->goroutines;
	return unit == UNIT_THREAD ? process->threads_known : process->goroutines_known;
}

/* `sides`: the processes of both dumps that belong together. */
static bool compare_group(struct process_diff *diff, const struct side *sides, size_t count,
			  const struct diff_rules *rules)
{
	autofree struct site_side *sites = NULL;
	size_t room = 0, used = 0;

	for (size_t i = 0; i < count; i++)
		room += sides[i].process->sites_count;
	sites = calloc(room + 1, sizeof(*sites));
	diff->sites = calloc(room + 1, sizeof(*diff->sites));
	if (!sites || !diff->sites)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct dump_process **of = sides[i].is_new ? &diff->new : &diff->old;

		if (!*of)
			*of = sides[i].process;
		++*(sides[i].is_new ? &diff->new_count : &diff->old_count);
		take_sites(diff, sides[i].process, sides[i].is_new, rules, sites, &used);
	}
	diff->change = !diff->old ? DIFF_NEW : !diff->new ? DIFF_GONE : DIFF_SAME;
	diff->differs = diff->old_count != diff->new_count;
	diff->same = sides[0].paired;
	diff->other_program = diff->same && diff->old->exec_id_known && diff->new->exec_id_known &&
			      diff->old->exec_id != diff->new->exec_id;
	for (enum unit unit = UNIT_THREAD; unit <= UNIT_GOROUTINE; unit++) {
		struct unit_diff *of = &diff->units[unit];

		of->stays.known = diff->same && !diff->other_program;
		of->now_known = diff->old_count <= 1 && diff->new_count <= 1 &&
				count_units(diff->old, unit, &of->old_now) &&
				count_units(diff->new, unit, &of->new_now);
	}
	if (used)
		qsort(sites, used, sizeof(*sites), compare_site_sides);
	for (size_t i = 0; i < used;)
		i = merge_sides(diff, sites, i, used);
	if (diff->sites_count)
		qsort(diff->sites, diff->sites_count, sizeof(*diff->sites), compare_changes);
	return true;
}

/* Strings that may be NULL, which is less than any. */
static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : compare(a != NULL, b != NULL);
}

static int compare_entities(const void *left, const void *right)
{
	const struct side *a = left, *b = right;
	int order = compare_texts(a->process->entity_id, b->process->entity_id);

	return order ? order : compare(a->is_new, b->is_new);
}

static int compare_names(const void *left, const void *right)
{
	const struct side *a = left, *b = right;
	int order;

	/* The same processes first, side by side. */
	if (a->paired != b->paired)
		return compare(b->paired, a->paired);
	if (a->paired)
		return compare_entities(left, right);
	order = compare_texts(a->process->name, b->process->name);
	if (!order)
		order = compare(a->is_new, b->is_new);
	return order ? order : compare(a->process->pid, b->process->pid);
}

static bool is_same_process(const struct side *a, const struct side *b)
{
	return a->process->entity_id && b->process->entity_id &&
	       strcmp(a->process->entity_id, b->process->entity_id) == 0;
}

/* Marks those that are in both dumps, once each; leaves the sides in the order of their groups. */
static void pair(struct side *sides, size_t count)
{
	qsort(sides, count, sizeof(*sides), compare_entities);
	for (size_t i = 0; i + 1 < count; i++) {
		bool before = i > 0 && is_same_process(&sides[i - 1], &sides[i]);
		bool after = i + 2 < count && is_same_process(&sides[i + 1], &sides[i + 2]);

		if (!before && !after && is_same_process(&sides[i], &sides[i + 1]) &&
		    sides[i].is_new != sides[i + 1].is_new)
			sides[i].paired = sides[i + 1].paired = true;
	}
	qsort(sides, count, sizeof(*sides), compare_names);
}

static bool is_one_group(const struct side *a, const struct side *b)
{
	if (a->paired || b->paired)
		return a->paired && b->paired && is_same_process(a, b);
	return compare_texts(a->process->name, b->process->name) == 0;
}

static uint64_t size_of_process_change(const struct process_diff *process)
{
	uint64_t size = 0;

	for (size_t i = 0; i < process->sites_count; i++)
		size += size_of_change(process->sites[i].old_now, process->sites[i].new_now);
	return size;
}

static int compare_processes(const void *left, const void *right)
{
	const struct process_diff *a = left, *b = right;
	uint64_t size_a = size_of_process_change(a), size_b = size_of_process_change(b);
	const struct dump_process *process_a = a->new ? a->new : a->old;
	const struct dump_process *process_b = b->new ? b->new : b->old;
	int order;

	if (a->differs != b->differs)
		return compare(b->differs, a->differs);
	if (size_a != size_b)
		return compare(size_b, size_a);
	order = compare_texts(process_a->name, process_b->name);
	return order ? order : compare(process_a->pid, process_b->pid);
}

static bool compare_groups(struct dump_diff *diff, const struct side *sides, size_t count,
			   const struct diff_rules *rules)
{
	size_t first = 0;

	for (size_t i = 1; i <= count; i++) {
		struct process_diff *process = &diff->processes[diff->processes_count];

		if (i < count && is_one_group(&sides[i - 1], &sides[i]))
			continue;
		diff->processes_count++;
		if (!compare_group(process, sides + first, i - first, rules))
			return false;
		diff->differs = diff->differs || process->differs;
		first = i;
	}
	if (diff->processes_count)
		qsort(diff->processes, diff->processes_count, sizeof(*diff->processes),
		      compare_processes);
	return true;
}

struct dump_diff *dump_diff_new(const struct dump *old, const struct dump *new_dump,
				const struct diff_rules *rules)
{
	size_t count = old->processes_count + new_dump->processes_count;
	autofree struct side *sides = calloc(count + 1, sizeof(*sides));
	auto_free(dump_diff) struct dump_diff *diff = calloc(1, sizeof(*diff));

	if (!sides || !diff)
		return NULL;
	diff->processes = calloc(count + 1, sizeof(*diff->processes));
	if (!diff->processes)
		return NULL;
	diff->elapsed_ns = new_dump->wall_ns - old->wall_ns;
	for (size_t i = 0; i < old->processes_count; i++)
		sides[i].process = &old->processes[i];
	for (size_t i = 0; i < new_dump->processes_count; i++)
		sides[old->processes_count + i] =
			(struct side){.process = &new_dump->processes[i], .is_new = true};
	pair(sides, count);
	return compare_groups(diff, sides, count, rules) ? take_ptr(diff) : NULL;
}

bool dump_diff_rate(const struct dump_diff *diff, const struct process_diff *process, uint64_t old,
		    uint64_t now, double *per_minute)
{
	if (!process->same || process->other_program || diff->elapsed_ns < RATE_SHORTEST_NS)
		return false;
	*per_minute = ((double)now - (double)old) * 60e9 / (double)diff->elapsed_ns;
	return true;
}
