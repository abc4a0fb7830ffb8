// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/text_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/escape.h"
#include "output/wait_objects_text.h"
#include "output/where.h"

/* Names of a site's threads, beside which the rest is a number. */
#define SITE_NAMES_MAX 8

/* Bytes of an escaped name: one of the kernel's 15 becomes at most "\\xNN". */
#define THREAD_NAME_ESCAPED_MAX (4 * THREAD_NAME_SIZE)

void text_frame(struct text *text, const struct frame *frame)
{
	char raw[FRAME_TEXT_MAX];

	frame_print(frame, raw, sizeof(raw));
	layout_hostile(&text->layout, raw, layout_room(&text->layout, 10));
}

void text_where(struct text *text, const struct stack *stack, bool brief)
{
	const struct frame *frame = stack->count ? &stack->frames[where_frame(stack)] : NULL;

	if (frame && frame->function && brief)
		layout_hostile(&text->layout, frame->function, layout_room(&text->layout, 10));
	else if (frame)
		text_frame(text, frame);
	else
		layout_text(&text->layout, "[no stack]");
	layout_end_line(&text->layout);
}

/* Kernel frames are the same for every wait of a kind: with -v only. */
static size_t first_frame_of_whole(const struct text *text, const struct stack *stack)
{
	size_t first = 0;

	while (!text->config.verbose && first < stack->count &&
	       stack->frames[first].kind == FRAME_KERNEL)
		first++;
	return first;
}

void text_stack(struct text *text, const struct stack *stack, size_t indent)
{
	size_t first =
		text->config.frames ? where_frame(stack) + 1 : first_frame_of_whole(text, stack);
	size_t end = stack->count;

	if (end - first == 1 && first == where_frame(stack))
		return;
	if (text->config.frames && end > first && end - first > text->config.frames)
		end = first + text->config.frames;
	for (size_t i = first; i < end; i++) {
		layout_tab(&text->layout, indent);
		text_frame(text, &stack->frames[i]);
		layout_end_line(&text->layout);
	}
	if (end < stack->count) {
		char more[64];

		snprintf(more, sizeof(more), "%s %zu more", text_ellipsis(text),
			 stack->count - end);
		layout_tab(&text->layout, indent);
		layout_text(&text->layout, more);
		layout_end_line(&text->layout);
	}
}

void text_threads(struct text *text, const struct site *site, size_t indent)
{
	const struct thread_names *names = &site->names;
	size_t shown = names->count < SITE_NAMES_MAX ? names->count : SITE_NAMES_MAX;
	struct layout *layout = &text->layout;
	uint64_t rest = site->crowd.now;
	char number[FORMAT_NUMBER_SIZE];

	if (!shown)
		return;
	layout_tab(layout, indent);
	layout_text(layout, site->crowd.now == 1 ? "thread:" : "threads:");
	if (site->crowd.now == 1) {
		snprintf(number, sizeof(number), "%" PRIu32, names->items[0].tid);
		layout_item(layout, number, 1, indent + 2);
	}
	for (size_t i = 0; i < shown; i++) {
		const struct thread_name *name = &names->items[i];
		char safe[THREAD_NAME_ESCAPED_MAX], item[sizeof(safe) + FORMAT_NUMBER_SIZE + 8];
		int length;

		rest -= name->count;
		escape_text(name->text, text->config.ascii, safe, sizeof(safe));
		length = snprintf(item, sizeof(item), "%s", safe);
		if (name->count > 1) {
			format_count(name->count, number);
			length += snprintf(item + length, sizeof(item) - (size_t)length, " (%s)",
					   number);
		}
		if (rest)
			snprintf(item + length, sizeof(item) - (size_t)length, ",");
		layout_item(layout, item, 1, indent + 2);
	}
	if (rest) {
		char more[FORMAT_NUMBER_SIZE + 16];

		format_count(rest, number);
		snprintf(more, sizeof(more), "%s more", number);
		layout_item(layout, more, 1, indent + 2);
	}
	layout_end_line(layout);
}

bool text_objects_words(const struct site *site, char words[TEXT_OBJECTS_SIZE])
{
	char objects[WAIT_OBJECTS_TEXT_SIZE];
	bool known = wait_objects_text(&site->objects, site->crowd.now, objects);

	snprintf(words, TEXT_OBJECTS_SIZE, "%s%s%s", objects, known && site->timed ? ", " : "",
		 site->timed ? "with a timeout" : "");
	return *words;
}

void text_objects(struct text *text, const struct site *site, size_t indent)
{
	char words[TEXT_OBJECTS_SIZE];

	/* Most waits with a timeout are in the nature of their reason, such as sleep. */
	if (wait_objects_sharing(&site->objects) == WAIT_SHARING_UNKNOWN ||
	    !text_objects_words(site, words))
		return;
	layout_tab(&text->layout, indent);
	layout_words(&text->layout, words, 0, indent);
	layout_end_line(&text->layout);
}

void text_creator(struct text *text, const struct site *site, size_t indent)
{
	static const char others[] = " and others";
	struct layout *layout = &text->layout;
	size_t room = site->creators_differ ? strlen(others) : 0;
	char raw[FRAME_TEXT_MAX];

	if (!site->creator || !site->creator->count)
		return;
	frame_print(&site->creator->frames[site->creator->count - 1], raw, sizeof(raw));
	layout_tab(layout, indent);
	layout_text(layout, "created by ");
	layout_hostile(layout, raw, layout_room(layout, room + 10) - room);
	if (site->creators_differ)
		layout_text(layout, others);
	layout_end_line(layout);
}
