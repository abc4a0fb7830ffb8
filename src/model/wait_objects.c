// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/wait_objects.h"

void wait_objects_clear(struct wait_objects *objects)
{
	*objects = (struct wait_objects){0};
}

static void add_identity(struct wait_objects *objects, uint64_t identity)
{
	for (size_t i = 0; i < objects->distinct; i++)
		if (objects->identities[i] == identity)
			return;
	objects->identities[objects->distinct++] = identity;
}

void wait_objects_add(struct wait_objects *objects, const struct wait_object *object)
{
	if (objects->looked_at == WAIT_OBJECTS_MAX)
		return;
	if (!objects->looked_at) {
		objects->kind = object->kind;
		objects->capacity_min = object->capacity;
	}
	objects->kinds_differ |= object->kind != objects->kind;
	objects->looked_at++;
	objects->alone += object->alone;
	objects->closed += object->closed;
	objects->full += object->capacity && object->length >= object->capacity;
	objects->empty += object->capacity && !object->length;
	if (object->capacity < objects->capacity_min)
		objects->capacity_min = object->capacity;
	if (object->capacity > objects->capacity_max)
		objects->capacity_max = object->capacity;
	add_identity(objects, object->identity);
}

/*
 * Those who wait for a condition variable of glibc are spread over the words of its two groups
 * (nptl/pthread_cond_wait.c): two words that many share are one object.
 */
static bool shares_one(const struct wait_objects *objects)
{
	return objects->distinct == 1 || (objects->kind == WAIT_OBJECT_FUTEX &&
					  objects->distinct == 2 && objects->looked_at > 4);
}

enum wait_sharing wait_objects_sharing(const struct wait_objects *objects)
{
	if (!objects->looked_at || objects->kind == WAIT_OBJECT_UNKNOWN || objects->kinds_differ)
		return WAIT_SHARING_UNKNOWN;
	if (objects->alone == objects->looked_at && objects->distinct == objects->looked_at)
		return WAIT_SHARING_ALONE;
	return shares_one(objects) ? WAIT_SHARING_ONE : WAIT_SHARING_SEVERAL;
}

const char *wait_object_kind_name(enum wait_object_kind kind)
{
	switch (kind) {
	case WAIT_OBJECT_CHANNEL:
		return "channel";
	case WAIT_OBJECT_SELECT:
		return "select";
	case WAIT_OBJECT_SEMAPHORE:
		return "semaphore";
	case WAIT_OBJECT_FUTEX:
		return "futex";
	default:
		return NULL;
	}
}

const char *wait_sharing_name(enum wait_sharing sharing)
{
	switch (sharing) {
	case WAIT_SHARING_ONE:
		return "one";
	case WAIT_SHARING_ALONE:
		return "alone";
	case WAIT_SHARING_SEVERAL:
		return "several";
	default:
		return NULL;
	}
}
