// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/process_memory.h"

enum {
	/* What one system call reads at most: more is not faster. */
	BUFFER_SIZE = 256 << 10,
	/* Gaps that are read through: a runtime.g has some 450 bytes, size classes up to 512. */
	GAP_MAX = 512,
	/*
	 * Reads that one sweep spends on what could not be read at once, in reads that fail and
	 * goroutines that are read alone. Honest processes need a few; each costs a system call.
	 */
	SINGLE_READS_MAX = 16384,
	/* Pointers of allgs that are read at once. */
	POINTERS_CHUNK = 8192,
	/* allgs is moved when it grows: then it is read again. */
	TRIES_MAX = 4,
};

/* A slot of allgs. Packed: a million of them are kept. */
struct __attribute__((packed, aligned(4))) slot {
	uint64_t address; /* 0: what stands there cannot be a pointer */
	uint32_t index;
};

_Static_assert(GOROUTINES_MAX <= UINT32_MAX, "struct slot");

/* runtime.slice, src/runtime/slice.go. */
struct slice {
	uint64_t pointer, length, capacity;
};

struct goroutine_sweep {
	const struct go_process *go;
	struct slot *slots; /* by address */
	size_t count;       /* length of allgs as far as it was read */
	uint8_t *buffer;
};

/* One sweep. */
struct run {
	struct goroutine_sweep *sweep;
	int (*visit)(size_t index, const struct goroutine *goroutine, void *context);
	void *context;
	struct goroutine_sweep_losses *losses;
	size_t single_reads;
};

struct goroutine_sweep *goroutine_sweep_new(const struct go_process *go)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		return NULL;
	sweep->go = go;
	sweep->buffer = malloc(BUFFER_SIZE);
	return sweep->buffer ? take_ptr(sweep) : NULL;
}

void goroutine_sweep_free(struct goroutine_sweep *sweep)
{
	if (!sweep)
		return;
	free(sweep->slots);
	free(sweep->buffer);
	free(sweep);
}

size_t goroutine_sweep_length(const struct goroutine_sweep *sweep)
{
	return sweep->count;
}

size_t goroutine_sweep_memory(const struct goroutine_sweep *sweep)
{
	return sizeof(*sweep) + BUFFER_SIZE + sweep->count * sizeof(struct slot);
}

static int read_exactly(const struct go_process *go, uint64_t address, void *buffer, size_t size)
{
	ssize_t got = process_memory_read(go_process_pid(go), address, buffer, size);

	if (got < 0)
		return (int)got;
	return (size_t)got == size ? 0 : -EFAULT;
}

int goroutine_read(const struct go_process *go, uint64_t address, struct goroutine *goroutine)
{
	const struct go_layout *layout = go_process_layout(go);
	uint8_t bytes[GO_STRUCTURE_SIZE_MAX];
	int err = read_exactly(go, address, bytes, layout->g.size);

	if (!err)
		err = goroutine_parse(layout, address, bytes, goroutine);
	return err == -ENOENT ? -ESTALE : err;
}

/* User space of x86-64 and arm64 ends at 2^47 and 2^48; allocations are aligned. */
static bool is_pointer(uint64_t word)
{
	return word >= 4096 && word < 1ULL << 48 && word % 8 == 0;
}

static int compare_slots(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Merges `added` sorted slots, which stand behind the `count` others, from the end. */
static int merge(struct slot *slots, size_t count, size_t added)
{
	autofree struct slot *fresh = NULL;
	size_t at = count + added;

	if (!count)
		return 0;
	fresh = malloc(added * sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, slots + count, added * sizeof(*fresh));
	while (added) {
		if (count && compare_slots(&slots[count - 1], &fresh[added - 1]) > 0)
			slots[--at] = slots[--count];
		else
			slots[--at] = fresh[--added];
	}
	return 0;
}

/* Takes over pointers; a zero is an entry that is still being written: the rest is left. */
static size_t take_pointers(struct goroutine_sweep *sweep, size_t at, const uint64_t *pointers,
			    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			return i;
		sweep->slots[at + i] = (struct slot){
			.address = is_pointer(pointers[i]) ? pointers[i] : 0,
			.index = (uint32_t)(at + i),
		};
	}
	return count;
}

/* Reads allgs from `sweep->count` to `length`. Returns how many came, or a negative errno. */
static ssize_t read_new(struct goroutine_sweep *sweep, const struct slice *allgs, size_t length)
{
	autofree uint64_t *pointers = malloc(POINTERS_CHUNK * sizeof(*pointers));
	size_t at = sweep->count;

	if (!pointers)
		return -ENOMEM;
	while (at < length) {
		size_t wanted = length - at < POINTERS_CHUNK ? length - at : POINTERS_CHUNK;
		size_t taken;
		int err = read_exactly(sweep->go, allgs->pointer + at * sizeof(*pointers), pointers,
				       wanted * sizeof(*pointers));

		if (err)
			return err;
		taken = take_pointers(sweep, at, pointers, wanted);
		at += taken;
		if (taken < wanted)
			break;
	}
	return (ssize_t)(at - sweep->count);
}

/* Enters what is new in allgs. */
static int follow_allgs(struct goroutine_sweep *sweep, const struct slice *allgs, size_t length)
{
	struct slot *slots;
	ssize_t added;
	int err;

	if (length == sweep->count)
		return 0;
	slots = realloc(sweep->slots, length * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	sweep->slots = slots;
	added = read_new(sweep, allgs, length);
	if (added <= 0)
		return (int)added;
	qsort(slots + sweep->count, (size_t)added, sizeof(*slots), compare_slots);
	err = merge(slots, sweep->count, (size_t)added);
	if (!err)
		sweep->count += (size_t)added;
	return err;
}

static int read_allgs(const struct goroutine_sweep *sweep, struct slice *allgs)
{
	int err = read_exactly(sweep->go, go_process_allgs(sweep->go), allgs, sizeof(*allgs));

	if (err)
		return err;
	return allgs->length <= allgs->capacity && (!allgs->length || is_pointer(allgs->pointer))
		       ? 0
		       : -EFAULT;
}

/*
 * The runtime moves the array when it grows, and the old one may be overwritten as soon as it
 * is collected: what was read of it holds only if it is still the array afterwards.
 */
static int update_slots(struct goroutine_sweep *sweep, struct goroutine_sweep_losses *losses)
{
	struct slice before, after;
	int err = -EFAULT;

	for (int try = 0; try < TRIES_MAX; try++) {
		size_t count = sweep->count, length;

		/* Its three words may be of two moments. */
		err = read_allgs(sweep, &before);
		if (err == -EFAULT)
			continue;
		if (err)
			return err;
		length = before.length;
		if (length > GOROUTINES_MAX) {
			losses->beyond_limit = length - GOROUTINES_MAX;
			length = GOROUTINES_MAX;
		}
		/* It never shrinks: this is not what it was. */
		if (length < count)
			sweep->count = count = 0;
		err = follow_allgs(sweep, &before, length);
		if (err == -ENOMEM)
			return err;
		if (!err)
			err = read_allgs(sweep, &after);
		if (!err && after.pointer == before.pointer)
			return 0;
		/* Those that were merged cannot be told from the others any more. */
		if (sweep->count != count)
			sweep->count = 0;
	}
	return err ? err : -EFAULT;
}

static bool may_read_alone(struct run *run)
{
	if (run->single_reads == SINGLE_READS_MAX)
		return false;
	run->single_reads++;
	return true;
}

/* The same pointer twice: the second is a lie. */
static bool is_repeated(const struct goroutine_sweep *sweep, const struct slot *slot)
{
	return slot > sweep->slots && slot->address == slot[-1].address;
}

/* Nothing can be said of it this time. */
static int lose(struct run *run, const struct slot *slot, uint64_t *losses)
{
	++*losses;
	return run->visit(slot->index, NULL, run->context);
}

static int visit_bytes(struct run *run, const struct slot *slot, const uint8_t *bytes, bool again)
{
	const struct goroutine_sweep *sweep = run->sweep;
	struct goroutine goroutine;
	int err = goroutine_parse(go_process_layout(sweep->go), slot->address, bytes, &goroutine);

	if (err == -ENOENT)
		return 0;
	/* It may have been read while it was being made. */
	if (err && again && may_read_alone(run))
		err = goroutine_read(sweep->go, slot->address, &goroutine);
	if (err)
		return lose(run, slot, &run->losses->damaged);
	return run->visit(slot->index, &goroutine, run->context);
}

/* The slots of a piece that could not be read at once. */
static int visit_one_by_one(struct run *run, const struct slot *slots, size_t count)
{
	const struct go_layout *layout = go_process_layout(run->sweep->go);
	uint8_t bytes[GO_STRUCTURE_SIZE_MAX];
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		if (is_repeated(run->sweep, &slots[i]))
			run->losses->damaged++;
		else if (!may_read_alone(run) ||
			 read_exactly(run->sweep->go, slots[i].address, bytes, layout->g.size))
			err = lose(run, &slots[i], &run->losses->unreadable);
		else
			err = visit_bytes(run, &slots[i], bytes, false);
	}
	return err;
}

/* Slots that are read with one system call: slots[first of i] up to slots[first of i + 1]. */
struct batch {
	size_t pieces_count;
	size_t used; /* bytes of the buffer */
	struct memory_piece pieces[PROCESS_MEMORY_PIECES_MAX];
	size_t first[PROCESS_MEMORY_PIECES_MAX + 1];
};

/* Puts slots from `at` on into the batch, neighbours into one piece. Returns the slot behind. */
static size_t fill_batch(struct goroutine_sweep *sweep, size_t at, struct batch *batch)
{
	size_t size = go_process_layout(sweep->go)->g.size;

	batch->pieces_count = batch->used = 0;
	for (; at < sweep->count; at++) {
		uint64_t address = sweep->slots[at].address;
		struct memory_piece *last =
			batch->pieces_count ? &batch->pieces[batch->pieces_count - 1] : NULL;
		uint64_t end = last ? last->address + last->size : 0;

		if (last && address < end + GAP_MAX) {
			size_t more = address + size > end ? (size_t)(address + size - end) : 0;

			if (batch->used + more > BUFFER_SIZE)
				break;
			last->size += more;
			batch->used += more;
			continue;
		}
		if (batch->pieces_count == PROCESS_MEMORY_PIECES_MAX ||
		    batch->used + size > BUFFER_SIZE)
			break;
		batch->first[batch->pieces_count] = at;
		batch->pieces[batch->pieces_count++] = (struct memory_piece){
			.address = address,
			.buffer = sweep->buffer + batch->used,
			.size = size,
		};
		batch->used += size;
	}
	batch->first[batch->pieces_count] = at;
	return at;
}

static int visit_piece(struct run *run, const struct batch *batch, size_t piece)
{
	const struct slot *slots = run->sweep->slots;
	const struct memory_piece *memory = &batch->pieces[piece];
	int err = 0;

	for (size_t i = batch->first[piece]; i < batch->first[piece + 1] && !err; i++) {
		if (is_repeated(run->sweep, &slots[i]))
			run->losses->damaged++;
		else
			err = visit_bytes(run, &slots[i],
					  (const uint8_t *)memory->buffer +
						  (slots[i].address - memory->address),
					  true);
	}
	return err;
}

/*
 * The piece that a read of many ended at, and what is left behind it where too much has
 * failed already: reading on costs a system call for each piece that fails.
 */
static int visit_failed(struct run *run, const struct batch *batch, size_t *done)
{
	const struct slot *slots = run->sweep->slots;
	size_t first = batch->first[*done], end = batch->first[*done + 1];
	int err = 0;

	if (!may_read_alone(run)) {
		end = batch->first[batch->pieces_count];
		*done = batch->pieces_count;
	} else {
		++*done;
		if (end - first > 1)
			return visit_one_by_one(run, &slots[first], end - first);
	}
	for (size_t i = first; i < end && !err; i++)
		err = lose(run, &slots[i], &run->losses->unreadable);
	return err;
}

/* -ESRCH where the process is gone. What cannot be read is read one by one. */
static int visit_batch(struct run *run, const struct batch *batch)
{
	size_t done = 0;
	int err = 0;

	while (done < batch->pieces_count && !err) {
		ssize_t read = process_memory_read_pieces(go_process_pid(run->sweep->go),
							  batch->pieces + done,
							  batch->pieces_count - done);

		if (read < 0)
			return (int)read;
		for (size_t i = 0; i < (size_t)read && !err; i++)
			err = visit_piece(run, batch, done + i);
		done += (size_t)read;
		if (done < batch->pieces_count && !err)
			err = visit_failed(run, batch, &done);
	}
	return err;
}

int goroutine_sweep_run(struct goroutine_sweep *sweep,
			int (*visit)(size_t index, const struct goroutine *goroutine,
				     void *context),
			void *context, struct goroutine_sweep_losses *losses)
{
	struct run run = {.sweep = sweep, .visit = visit, .context = context, .losses = losses};
	autofree struct batch *batch = malloc(sizeof(*batch));
	int err = batch ? update_slots(sweep, losses) : -ENOMEM;
	size_t at = 0;

	/* What is no pointer stands first. */
	for (; !err && at < sweep->count && !sweep->slots[at].address; at++)
		losses->damaged++;
	while (!err && at < sweep->count) {
		at = fill_batch(sweep, at, batch);
		err = visit_batch(&run, batch);
	}
	return err;
}
