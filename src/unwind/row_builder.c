// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/row_builder.h"

#include <errno.h>

#include "unwind/frame_row.h"
#include "unwind/unwind_table.h"

/* A sorted list of descriptions on its way into the table. */
struct source {
	const struct frame_descriptions *all;
	const struct cfi_pointer_base *base;
	size_t next;
};

/* One description, and whose it is. */
struct piece {
	const struct frame_description *description;
	const struct source *source;
};

struct row_context {
	struct row_builder *builder;
	bool is_signal;
};

static bool same_rule(const struct unwind_row *a, const struct unwind_row *b)
{
	return a->rules == b->rules && a->bp_slot == b->bp_slot && a->offset == b->offset;
}

static int append(struct row_builder *builder, uint64_t address, struct unwind_row row)
{
	if (builder->count && same_rule(&builder->rows[builder->count - 1], &row))
		return 0;
	if (builder->count == UNWIND_TABLE_ROWS_MAX)
		return -E2BIG;
	if (builder->count == builder->capacity) {
		size_t wanted = builder->capacity ? 2 * builder->capacity : 1024;
		struct unwind_row *grown = realloc(builder->rows, wanted * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		builder->rows = grown;
		builder->capacity = wanted;
	}
	row.pc = (uint32_t)(address - builder->base);
	builder->rows[builder->count++] = row;
	return 0;
}

static int append_rules(void *context, uint64_t start, const struct frame_rules *rules)
{
	struct row_context *row_context = context;

	return append(row_context->builder, start, frame_row(rules, row_context->is_signal));
}

static int append_none(struct row_builder *builder, uint64_t address)
{
	static const struct unwind_row none = {.rules = UNWIND_CFA_NONE};

	return append(builder, address, none);
}

static int append_piece(struct row_builder *builder, const struct piece *piece, uint64_t end)
{
	const struct frame_description *description = piece->description;
	const struct frame_common *common = &piece->source->all->commons[description->common];
	struct row_context context = {.builder = builder, .is_signal = common->is_signal};
	struct cfi_cursor program = cfi_cursor_of(description->program, description->program_size);

	return frame_program_run(common, program, piece->source->base, description->start, end,
				 append_rules, &context);
}

static const struct frame_description *peek(const struct source *source)
{
	return source->next < source->all->count ? &source->all->list[source->next] : NULL;
}

/* The next of both by its start, the first one's before the second's. False: all are done. */
static bool take_next(struct source sources[2], struct piece *piece)
{
	const struct frame_description *first = peek(&sources[0]), *second = peek(&sources[1]);
	struct source *source =
		!first || (second && second->start < first->start) ? &sources[1] : &sources[0];

	piece->source = source;
	piece->description = peek(source);
	if (!piece->description)
		return false;
	source->next++;
	return true;
}

/*
 * The next that is of use: of those that begin at one place the first, and none of
 * the secondary source where the primary one covers its beginning. `covered` is
 * the end of the last primary one.
 */
static bool take_useful(struct source sources[2], uint64_t previous_start, uint64_t *covered,
			struct piece *piece)
{
	while (take_next(sources, piece)) {
		const struct frame_description *description = piece->description;

		if (piece->source == &sources[1] && description->start < *covered)
			continue;
		if (description->start == previous_start)
			continue;
		if (piece->source == &sources[0])
			*covered = description->end;
		return true;
	}
	return false;
}

int row_builder_add(struct row_builder *builder, const struct frame_descriptions *primary,
		    const struct cfi_pointer_base *primary_base,
		    const struct frame_descriptions *secondary,
		    const struct cfi_pointer_base *secondary_base)
{
	struct source sources[2] = {{primary, primary_base, 0}, {secondary, secondary_base, 0}};
	uint64_t covered = 0;
	struct piece piece, next;
	/* No description begins there: it would be of no code. */
	bool more = take_useful(sources, UINT64_MAX, &covered, &piece);
	int result = 0;

	while (more && result == 0) {
		uint64_t end = piece.description->end;

		more = take_useful(sources, piece.description->start, &covered, &next);
		if (more && next.description->start < end)
			end = next.description->start;
		result = append_piece(builder, &piece, end);
		if (result == 0 && (!more || next.description->start - end > UNWIND_TABLE_GAP_MAX))
			result = append_none(builder, end);
		piece = next;
	}
	return result;
}
