// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/stack_hash.h"
#include "sources/go_frames.h"
#include "sources/reasons.h"

#define BIRTH_REASON "birth"
/* Of a process: from here on its sites are scarce. */
#define SITES_CROWDED (WATCHED_SITES_MAX * 3 / 4)

uint64_t places_stack_id(const struct sources_context *context, const struct user_stack *user)
{
	struct stack_hash hash;

	stack_hash_begin(&hash, context->stack_hash_seed);
	for (size_t i = 0; i < user->count; i++)
		stack_hash_word(&hash, user->frames[i]);
	stack_hash_end(&hash, (uint32_t)user->count, user->end);
	return hash.id;
}

int places_read_stack(const struct sources_context *context, uint64_t id, struct abi_stack *stack)
{
	struct abi_stack found;

	if (!id || bpf_map_lookup_elem(tracer_stacks_fd(context->tracer), &id, &found))
		return -ENOENT;
	if (found.count > ABI_STACK_FRAMES_MAX)
		found.count = ABI_STACK_FRAMES_MAX;
	*stack = found;
	return 0;
}

void places_drain_stacks(struct sources_context *context)
{
	int fd = tracer_stacks_fd(context->tracer);
	uint64_t id;

	while (!bpf_map_get_next_key(fd, NULL, &id))
		if (bpf_map_delete_elem(fd, &id))
			break;
	tracer_next_stacks_epoch(context->tracer);
}

/* What stands where a stack was cut. NULL: it was not. */
static const char *cut_label(enum unwind_end end)
{
	static const char *const labels[UNWIND_END_COUNT] = {
		[UNWIND_END_UNSUPPORTED] = "[cut: unwind rule not supported]",
		[UNWIND_END_MEMORY] = "[cut: stack memory not readable]",
		[UNWIND_END_BAD_FRAME] = "[cut: no frame pointer]",
		[UNWIND_END_NO_CODE] = "[cut: return address is not in code]",
		[UNWIND_END_NO_TABLE] = "[cut: unwind table not loaded]",
		[UNWIND_END_NO_CFI] = "[cut: no call frame information]",
		[UNWIND_END_32BIT] = "[cut: 32-bit code]",
		[UNWIND_END_TOO_DEEP] = "[cut: deeper than 128 frames]",
		[UNWIND_END_TOO_SLOW] = "[cut: walk took too long]",
	};

	return end < UNWIND_END_COUNT ? labels[end] : NULL;
}

/* The frames of a stack that BPF has put into `stacks`. */
static int fetch_stack(const struct sources_context *context, struct abi_stack *copy,
		       struct user_stack *stack)
{
	int err = places_read_stack(context, stack->id, copy);

	if (err)
		return err;
	stack->frames = (const uint64_t *)copy->frames;
	stack->count = stack->first_guess = copy->count;
	stack->end = copy->end;
	return 0;
}

/* What was inlined into a frame stands before it, and is as good a guess. */
static void mark_guesses(struct stack *stack, size_t kernel_count, size_t first_guess)
{
	size_t walked = 0;

	for (size_t i = kernel_count; i < stack->count; i++) {
		stack->frames[i].guess = walked >= first_guess;
		if (stack->frames[i].kind != FRAME_INLINED)
			walked++;
	}
}

/* The stack with names; a label where there is none. NULL without memory. */
static struct stack *name_stack(struct sources_context *context, const struct process_entry *entry,
				const struct user_stack *given, uint64_t kernel_stack_id)
{
	const struct process_ref process = process_entry_ref(entry);
	struct abi_stack user_copy, kernel = {0};
	struct user_stack user = *given;
	struct stack *stack = NULL;

	if (kernel_stack_id)
		places_read_stack(context, kernel_stack_id, &kernel);
	if (!user.frames && fetch_stack(context, &user_copy, &user))
		return stack_label("[unknown: stack not captured]");
	if (symbolizer_stack(context->symbolizer, &process, (const uint64_t *)kernel.frames,
			     kernel.count, user.frames, user.count, context->now_ns, &stack))
		return NULL;
	mark_guesses(stack, kernel.count, user.first_guess);
	if (go_frames_end_thread(stack))
		return stack;
	return cut_label(user.end) ? stack_append_label(stack, cut_label(user.end)) : stack;
}

static struct site *find_site(struct sources_context *context, struct process_entry *entry,
			      enum site_kind kind, const char *reason,
			      const struct user_stack *user, uint64_t kernel_stack_id)
{
	auto_free(stack) struct stack *stack = name_stack(context, entry, user, kernel_stack_id);
	struct site *site = NULL;

	if (stack)
		site = watched_process_site(entry->process, kind, UNIT_THREAD, reason, stack);
	if (!site)
		losses_add(&context->losses, "sites_full", 1);
	return site;
}

/*
 * BPF had its frames, but has given them up, or never could keep them. The place is not bound to
 * the label that stands for them: they may come back under the same id.
 */
static bool has_lost_frames(const struct sources_context *context, const struct user_stack *user)
{
	struct abi_stack stack;

	return user->id && !user->frames && places_read_stack(context, user->id, &stack);
}

static struct place *add_place(struct sources_context *context, struct process_entry *entry,
			       const struct place *wanted)
{
	struct place *place;

	if (entry->places_count >= PLACES_MAX || !memory_room_take(&context->room, MEMORY_PLACE))
		return NULL;
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->key = wanted->key;
	HASH_ADD(hh, entry->places, key, sizeof(place->key), place);
	entry->places_count++;
	return place;
}

/* As it is looked for; the stack has an id. */
static struct place wanted_place(enum site_kind kind, uint32_t reason, uint64_t user_stack_id,
				 uint64_t kernel_stack_id)
{
	struct place wanted = {0};

	wanted.key.user_stack_id = user_stack_id;
	wanted.key.kernel_stack_id = kernel_stack_id;
	wanted.key.kind_and_reason = (uint64_t)kind << 32 | reason;
	return wanted;
}

static struct place *known_place(const struct process_entry *entry, const struct place *wanted)
{
	struct place *place = NULL;

	HASH_FIND(hh, entry->places, &wanted->key, sizeof(wanted->key), place);
	return place;
}

/*
 * The place of a raw stack, and its site. Beyond PLACES_MAX there is no place:
 * `*site` is then found anew each time.
 */
static struct place *find_place(struct sources_context *context, struct process_entry *entry,
				enum site_kind kind, uint32_t reason,
				const struct user_stack *given, uint64_t kernel_stack_id,
				struct site **site)
{
	struct user_stack user = *given;
	struct place wanted, *place;

	if (user.frames)
		user.id = places_stack_id(context, &user);
	wanted = wanted_place(kind, reason, user.id, kernel_stack_id);
	place = known_place(entry, &wanted);
	*site = place ? place->site : NULL;
	if (*site)
		return place;
	/* Without room for what may be found it is not named, each time anew. */
	if (!memory_room_has_site(&context->room)) {
		memory_room_refuse(&context->room);
		return place;
	}
	*site = find_site(context, entry, kind,
			  kind == SITE_BIRTH ? BIRTH_REASON : reason_name(reason), &user,
			  kernel_stack_id);
	if (!place && *site)
		place = add_place(context, entry, &wanted);
	if (place && !has_lost_frames(context, &user))
		place->site = *site;
	return place;
}

struct site *places_park(struct sources_context *context, struct process_entry *entry,
			 uint32_t reason, const struct user_stack *user, uint64_t kernel_stack_id)
{
	struct site *site;

	find_place(context, entry, SITE_PARK, reason, user, kernel_stack_id, &site);
	return site;
}

struct place *places_known_wait(const struct process_entry *entry, uint32_t reason,
				uint64_t user_stack_id)
{
	const struct place wanted = wanted_place(SITE_PARK, reason, user_stack_id, 0);

	return known_place(entry, &wanted);
}

struct place *places_wait(struct sources_context *context, struct process_entry *entry,
			  uint32_t reason, const struct user_stack *user)
{
	struct place *place = user->frames ? NULL : places_known_wait(entry, reason, user->id);
	struct site *site = NULL;

	if (place)
		return place;
	place = find_place(context, entry, SITE_PARK, reason, user, 0, &site);
	if (site && !place)
		losses_add(&context->losses, "process_stacks_full", 1);
	return place;
}

struct site *places_birth(struct sources_context *context, struct process_entry *entry,
			  const struct user_stack *user)
{
	struct site *site;

	find_place(context, entry, SITE_BIRTH, 0, user, 0, &site);
	return site;
}

struct site *places_birth_label(struct sources_context *context, struct process_entry *entry,
				const char *label)
{
	auto_free(stack) struct stack *stack = stack_label(label);
	struct site *site;

	if (!stack)
		return NULL;
	site = watched_process_site(entry->process, SITE_BIRTH, UNIT_THREAD, BIRTH_REASON, stack);
	if (!site)
		losses_add(&context->losses, "sites_full", 1);
	return site;
}

struct site *places_site(struct sources_context *context, struct process_entry *entry,
			 struct place *place)
{
	const struct user_stack user = {.id = place->key.user_stack_id};
	struct site *site = place->site;

	if (site)
		return site;
	site = find_site(context, entry, SITE_PARK,
			 reason_name((uint32_t)place->key.kind_and_reason), &user, 0);
	if (!has_lost_frames(context, &user))
		place->site = site;
	return site;
}

/* Some are still counted elsewhere, or not credited yet. */
static bool has_waits(const struct place *place)
{
	return place->in_map.count || place->with_threads.count ||
	       place->settled.count != place->credited.count ||
	       place->settled.duration_ns != place->credited.duration_ns;
}

static void forget_expired(struct process_entry *entry)
{
	struct place *place, *next;

	HASH_ITER (hh, entry->places, place, next) {
		if (place->site && place->site->expired)
			place->site = NULL;
		if (place->site || has_waits(place))
			continue;
		HASH_DEL(entry->places, place);
		entry->places_count--;
		free(place);
	}
}

void places_expire_sites(struct sources_context *context, struct process_entry *entry)
{
	bool scarce = context->memory_short || entry->process->sites_count > SITES_CROWDED;
	struct site *site, *next;

	HASH_ITER (hh, entry->process->sites, site, next) {
		site->expired = site_is_expired(site, context->swept_ns, scarce);
		entry->sites_expired += site->expired;
	}
}

void places_drop_expired(struct process_entry *entry)
{
	struct site *site, *next;

	if (!entry->sites_expired)
		return;
	forget_expired(entry);
	HASH_ITER (hh, entry->process->sites, site, next)
		if (site->expired)
			watched_process_drop_site(entry->process, site);
	entry->sites_expired = 0;
}
