// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_pointer.h"

#include "process/process_memory.h"

/* TASK_SIZE_MAX of x86-64 with five-level paging; less is refused by the read itself. */
#define USER_ADDRESS_END 0x00fffffffffff000ULL

struct saved_frame {
	uint64_t next;
	uint64_t return_address;
};

size_t frame_pointer_walk(pid_t pid, uint64_t ip, uint64_t bp, uint64_t *frames, size_t capacity)
{
	struct saved_frame frame;
	size_t count = 0;

	frames[count++] = ip;
	while (count < capacity && bp < USER_ADDRESS_END - sizeof(frame)) {
		if (process_memory_read(pid, bp, &frame, sizeof(frame)) != sizeof(frame))
			break;
		frames[count++] = frame.return_address;
		bp = frame.next;
	}
	return count;
}
