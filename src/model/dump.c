// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump *dump_new(void)
{
	return calloc(1, sizeof(struct dump));
}

static void site_release(struct dump_site *site)
{
	free(site->reason);
	free(site->created_by);
	stack_free(site->stack);
	stay_sample_release(&site->stays);
}

static void process_release(struct dump_process *process)
{
	for (size_t i = 0; i < process->sites_count; i++)
		site_release(&process->sites[i]);
	free(process->sites);
	free(process->name);
	free(process->executable);
	free(process->entity_id);
	free(process->container_id);
}

void dump_free(struct dump *dump)
{
	if (!dump)
		return;
	for (size_t i = 0; i < dump->processes_count; i++)
		process_release(&dump->processes[i]);
	free(dump->processes);
	free(dump->hostname);
	free(dump);
}

/* The array with room for one more element, which is zeroed; NULL without memory. */
static void *room_for_one(void *array, size_t count, size_t *capacity, size_t size)
{
	void *grown = array;

	if (count == *capacity) {
		size_t wanted = count ? 2 * count : 8;

		grown = realloc(array, wanted * size);
		if (!grown)
			return NULL;
		*capacity = wanted;
	}
	memset((char *)grown + count * size, 0, size);
	return grown;
}

int dump_add_process(struct dump *dump, struct dump_process **process)
{
	void *grown;

	if (dump->processes_count == DUMP_PROCESSES_MAX)
		return -E2BIG;
	grown = room_for_one(dump->processes, dump->processes_count, &dump->processes_capacity,
			     sizeof(dump->processes[0]));
	if (!grown)
		return -ENOMEM;
	dump->processes = grown;
	*process = &dump->processes[dump->processes_count++];
	return 0;
}

int dump_add_site(struct dump *dump, struct dump_process *process, size_t frames,
		  struct dump_site **site)
{
	struct stack *stack;
	void *grown;

	if (dump->sites_count == DUMP_SITES_MAX || frames > DUMP_STACK_MAX ||
	    frames > DUMP_FRAMES_MAX - dump->frames_count)
		return -E2BIG;
	grown = room_for_one(process->sites, process->sites_count, &process->sites_capacity,
			     sizeof(process->sites[0]));
	if (!grown)
		return -ENOMEM;
	process->sites = grown;
	stack = stack_new(frames);
	if (!stack)
		return -ENOMEM;
	*site = &process->sites[process->sites_count++];
	(*site)->stack = stack;
	dump->sites_count++;
	dump->frames_count += frames;
	return 0;
}

int dump_take_bytes(struct dump *dump, size_t bytes)
{
	if (bytes > DUMP_BYTES_MAX - dump->bytes)
		return -E2BIG;
	dump->bytes += bytes;
	return 0;
}

void dump_frame_print(const struct frame *frame, char *text, size_t size)
{
	const char *mark = frame->guess ? " [?]" : "";

	if (frame->kind != FRAME_USER || frame->offset || (frame->function && frame->file) ||
	    (!frame->function && !frame->module))
		frame_print(frame, text, size);
	else if (frame->function && frame->module)
		snprintf(text, size, "%s (%s)%s", frame->function, frame->module, mark);
	else
		snprintf(text, size, "%s%s", frame->function ? frame->function : frame->module,
			 mark);
}
