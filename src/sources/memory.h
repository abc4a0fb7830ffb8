/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_MEMORY_H
#define PARKSCOPE_SOURCES_MEMORY_H

#include "sources/context.h"

/*
 * Keeps what the sources remember within the room that --memory gives them (model/memory_room.h),
 * by what is in use: RSS, maps and records in the kernel, and the share of unwind tables.
 */

/* Within a sweep, before much may be added. Makes room once a sweep if there is none for a site. */
void memory_look(struct sources_context *context);

/* After threads came and went: what they took and gave back holds for the kernel's records, too. */
void memory_allow_records(struct sources_context *context);

/* With each report: makes room if there is little, and counts what was refused. */
void memory_settle(struct sources_context *context);

#endif
