/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_WAIT_OBJECTS_TEXT_H
#define PARKSCOPE_OUTPUT_WAIT_OBJECTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/wait_objects.h"

#define WAIT_OBJECTS_TEXT_SIZE 128

/*
 * In plain words what a crowd of `crowd` units waits for: "one unbuffered channel, shared
 * by all", "each alone on its own channel of capacity 4, empty", "one futex, shared by all". Says
 * how many were looked at where that is not all of them. false, and an empty text: nothing is
 * known, or nothing that tells one from another. Pure.
 */
bool wait_objects_text(const struct wait_objects *objects, uint64_t crowd,
		       char text[WAIT_OBJECTS_TEXT_SIZE]);

#endif
