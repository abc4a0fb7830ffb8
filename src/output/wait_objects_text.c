// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/wait_objects_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes of "channels of capacity 18446744073709551615 to 18446744073709551615, full". */
#define CHANNELS_TEXT_SIZE 88

/* What all of those that were looked at have in common; "" where that is nothing. */
static const char *common_state(const struct wait_objects *objects)
{
	if (objects->closed == objects->looked_at)
		return ", closed";
	if (objects->full == objects->looked_at)
		return ", full";
	if (objects->empty == objects->looked_at)
		return ", empty";
	return "";
}

/* "unbuffered channel", "channel of capacity 4, full", "channels of capacity 0 to 4". */
static void describe_channels(const struct wait_objects *objects, bool many,
			      char text[CHANNELS_TEXT_SIZE])
{
	const char *plural = many ? "s" : "";

	if (!objects->capacity_max)
		snprintf(text, CHANNELS_TEXT_SIZE, "unbuffered channel%s%s", plural,
			 common_state(objects));
	else if (objects->capacity_min == objects->capacity_max)
		snprintf(text, CHANNELS_TEXT_SIZE, "channel%s of capacity %" PRIu64 "%s", plural,
			 objects->capacity_max, common_state(objects));
	else
		snprintf(text, CHANNELS_TEXT_SIZE,
			 "channel%s of capacity %" PRIu64 " to %" PRIu64 "%s", plural,
			 objects->capacity_min, objects->capacity_max, common_state(objects));
}

static void describe_select(enum wait_sharing sharing, bool lone, char *text, size_t size)
{
	const char *how = "some share a channel";

	if (sharing == WAIT_SHARING_ALONE)
		how = lone ? "alone" : "each alone";
	else if (sharing == WAIT_SHARING_ONE)
		how = lone ? "others wait there, too" : "all share a channel";
	snprintf(text, size, "select, %s", how);
}

static void describe_objects(const struct wait_objects *objects, enum wait_sharing sharing,
			     bool lone, char *text, size_t size)
{
	bool buffered = objects->kind == WAIT_OBJECT_CHANNEL && objects->capacity_max;
	bool several = sharing == WAIT_SHARING_SEVERAL;
	char what[CHANNELS_TEXT_SIZE];

	if (objects->kind == WAIT_OBJECT_CHANNEL)
		describe_channels(objects, several, what);
	else
		snprintf(what, sizeof(what), "%s%s", wait_object_kind_name(objects->kind),
			 several ? (objects->kind == WAIT_OBJECT_FUTEX ? "es" : "s") : "");

	if (several)
		snprintf(text, size, "%zu %s, some shared", objects->distinct, what);
	else if (sharing == WAIT_SHARING_ONE && objects->distinct > 1)
		snprintf(text, size, "two %ses, shared by all", what);
	else if (sharing == WAIT_SHARING_ONE)
		snprintf(text, size, "one %s, %s", what,
			 lone ? "others wait there, too" : "shared by all");
	else if (lone)
		snprintf(text, size, "%s, alone on it", what);
	else if (buffered || objects->kind == WAIT_OBJECT_FUTEX)
		snprintf(text, size, "each alone on its own %s", what);
	else
		snprintf(text, size, "%s, each alone on its own", what);
}

bool wait_objects_text(const struct wait_objects *objects, uint64_t crowd,
		       char text[WAIT_OBJECTS_TEXT_SIZE])
{
	enum wait_sharing sharing = wait_objects_sharing(objects);
	bool lone = objects->looked_at == 1;
	size_t length;

	text[0] = '\0';
	/* One thread at one futex: all are. */
	if (sharing == WAIT_SHARING_UNKNOWN || (objects->kind == WAIT_OBJECT_FUTEX && lone))
		return false;
	if (objects->kind == WAIT_OBJECT_SELECT)
		describe_select(sharing, lone, text, WAIT_OBJECTS_TEXT_SIZE);
	else
		describe_objects(objects, sharing, lone, text, WAIT_OBJECTS_TEXT_SIZE);
	length = strlen(text);
	if (crowd > objects->looked_at)
		snprintf(text + length, WAIT_OBJECTS_TEXT_SIZE - length, " (%" PRIu64 " looked at)",
			 objects->looked_at);
	return true;
}
