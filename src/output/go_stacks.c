// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/go_stacks.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "output/buffer.h"
#include "output/escape.h"

/* Bytes of one escaped name or path. */
#define TEXT_MAX 4096

/* Whole goroutines are collected up to here: few system calls, and memory stays bounded. */
#define FLUSH_BYTES (256 * 1024)

#define NS_PER_MINUTE 60000000000ULL

struct writer {
	struct buffer buffer;
	struct sink *sink;
};

static void writer_release(struct writer *writer)
{
	buffer_release(&writer->buffer);
}

static int flush(struct writer *writer, struct error *error)
{
	int code;

	if (writer->buffer.failed)
		return error_set(error, -ENOMEM, "out of memory");
	code = sink_write(writer->sink, writer->buffer.data, writer->buffer.length, error);
	buffer_clear(&writer->buffer);
	return code;
}

static void add_hostile(struct buffer *buffer, const char *text)
{
	char safe[TEXT_MAX];

	escape_text(text, false, safe, sizeof(safe));
	buffer_add_text(buffer, safe);
}

/* The code of an inlined function is that of its caller: their frames have one address. */
static bool is_inlined(const struct stack *stack, size_t index)
{
	const struct frame *frame = &stack->frames[index];

	if (frame->kind == FRAME_INLINED)
		return true;
	if (index + 1 == stack->count || !frame->function)
		return false;
	/* Of one function they are two calls: recursion is never inlined. */
	return frame->address == frame[1].address && frame[1].function &&
	       strcmp(frame->function, frame[1].function) != 0;
}

static void add_function(struct buffer *buffer, const struct frame *frame)
{
	char text[TEXT_MAX];

	if (frame->function) {
		add_hostile(buffer, frame->function);
		return;
	}
	frame_print(frame, text, sizeof(text));
	add_hostile(buffer, text);
}

/* "\t/src/main.go:30 +0x1d": where a frame stands, in a line of its own. */
static void add_place(struct buffer *buffer, const struct frame *frame, bool inlined)
{
	buffer_add_text(buffer, "\t");
	add_hostile(buffer, frame->file ? frame->file : "?");
	buffer_print(buffer, ":%" PRIu32, frame->file ? frame->line : 0);
	if (!inlined && frame->kind == FRAME_USER && frame->offset)
		buffer_print(buffer, " +0x%" PRIx64, frame->offset);
	buffer_add_text(buffer, "\n");
}

static void add_stack(struct buffer *buffer, const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->kind == FRAME_KERNEL)
			continue;
		add_function(buffer, frame);
		buffer_add_text(buffer, "(...)\n");
		add_place(buffer, frame, is_inlined(stack, i));
	}
}

static void add_header(struct buffer *buffer, const struct goroutine_entry *goroutine, bool labels)
{
	uint64_t minutes = goroutine->waited_ns / NS_PER_MINUTE;

	buffer_print(buffer, "goroutine %" PRIu64 " [", goroutine->goid);
	add_hostile(buffer, goroutine->state ? goroutine->state : "unknown");
	if (minutes)
		buffer_print(buffer, ", %" PRIu64 " minutes", minutes);
	if (goroutine->locked)
		buffer_add_text(buffer, ", locked to thread");
	buffer_add_text(buffer, "]");
	if (labels && goroutine->labels) {
		buffer_add_text(buffer, " {");
		add_hostile(buffer, goroutine->labels);
		buffer_add_text(buffer, "}");
	}
	buffer_add_text(buffer, ":\n");
}

static void add_creator(struct buffer *buffer, const struct goroutine_entry *goroutine)
{
	const struct frame *frame;

	if (!goroutine->creator || !goroutine->creator->count)
		return;
	frame = &goroutine->creator->frames[goroutine->creator->count - 1];
	buffer_add_text(buffer, "created by ");
	add_function(buffer, frame);
	if (goroutine->parent_goid)
		buffer_print(buffer, " in goroutine %" PRIu64, goroutine->parent_goid);
	buffer_add_text(buffer, "\n");
	add_place(buffer, frame, false);
}

static void add_goroutine(struct buffer *buffer, const struct goroutine_entry *goroutine,
			  bool labels)
{
	add_header(buffer, goroutine, labels);
	if (goroutine->stack)
		add_stack(buffer, goroutine->stack);
	else
		buffer_add_text(buffer, "\tgoroutine running on other thread; stack unavailable\n");
	add_creator(buffer, goroutine);
	buffer_add_text(buffer, "\n");
}

/* "# payments-api 4711 go1.23.4" */
static void add_process(struct buffer *buffer, const struct watched_process *process)
{
	buffer_add_text(buffer, "# ");
	add_hostile(buffer, process->name ? process->name : "[unknown]");
	buffer_print(buffer, " %" PRIu32, process->pid);
	if (process->go_version) {
		buffer_add_text(buffer, " ");
		add_hostile(buffer, process->go_version);
	} else if (!process->go_refused) {
		buffer_add_text(buffer, " is no Go program");
	}
	if (process->go_refused) {
		buffer_add_text(buffer, ", goroutines not read: ");
		add_hostile(buffer, process->go_refused);
	}
	buffer_add_text(buffer, "\n");
}

static int write_process(struct writer *writer, const struct watched_process *process,
			 const struct go_stacks_config *config, struct error *error)
{
	const struct goroutine_list *list = &process->goroutine_list;

	add_process(&writer->buffer, process);
	for (size_t i = 0; i < list->count; i++) {
		int code;

		if (list->entries[i].runtime && !config->runtime)
			continue;
		add_goroutine(&writer->buffer, &list->entries[i], config->labels);
		if (writer->buffer.length < FLUSH_BYTES)
			continue;
		code = flush(writer, error);
		if (code)
			return code;
	}
	return 0;
}

int go_stacks_write(const struct report *report, const struct go_stacks_config *config,
		    struct sink *sink, struct error *error)
{
	cleanup(writer_release) struct writer writer = {.sink = sink};

	for (size_t i = 0; i < report->processes_count; i++) {
		int code = write_process(&writer, report->processes[i], config, error);

		if (code)
			return code;
	}
	for (size_t i = 0; report->losses && i < report->losses->count; i++)
		if (report->losses->items[i].interval)
			buffer_print(&writer.buffer, "# lost: %" PRIu64 " %s\n",
				     report->losses->items[i].interval,
				     report->losses->items[i].cause);
	return flush(&writer, error);
}
