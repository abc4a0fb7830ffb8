// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_object.h"

#include "goruntime/goroutine_wait.h"

static bool read_semaphore(struct go_semaphores *semaphores, const struct goroutine *goroutine,
			   struct wait_object *object)
{
	struct wait_object found = {.kind = WAIT_OBJECT_SEMAPHORE};

	if (!go_semaphores_find(semaphores, goroutine, &found.identity, &found.alone))
		return false;
	*object = found;
	return true;
}

static bool read_wait(const struct go_process *go, const struct goroutine *goroutine,
		      struct wait_object *object)
{
	static const enum wait_object_kind kinds[] = {
		[GOROUTINE_WAIT_UNKNOWN] = WAIT_OBJECT_UNKNOWN,
		[GOROUTINE_WAIT_CHANNEL] = WAIT_OBJECT_CHANNEL,
		[GOROUTINE_WAIT_SELECT] = WAIT_OBJECT_SELECT,
		[GOROUTINE_WAIT_SEMAPHORE] = WAIT_OBJECT_SEMAPHORE,
	};
	struct goroutine_wait wait;

	if (goroutine_wait_read(go, goroutine, &wait))
		return false;
	*object = (struct wait_object){
		.kind = kinds[wait.kind],
		.identity = wait.object,
		.alone = wait.alone,
		.capacity = wait.capacity,
		.length = wait.length,
		.closed = wait.closed,
	};
	return true;
}

bool goroutine_object_read(const struct go_process *go, struct go_semaphores *semaphores,
			   const struct goroutine *goroutine, const char *reason,
			   struct wait_object *object)
{
	/* Who waits for a semaphore does not say so itself before Go 1.26. */
	if (!goroutine->waiting && go_wait_reason_is_semaphore(reason))
		return read_semaphore(semaphores, goroutine, object);
	return read_wait(go, goroutine, object);
}
