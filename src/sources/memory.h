/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_MEMORY_H
#define PARKSCOPE_SOURCES_MEMORY_H

#include "sources/context.h"

/*
 * Keeps what the sources remember within the room that --memory gives them (model/memory_room.h),
 * by what is in use (own_cost_memory()).
 */

/* Within a sweep, before much may be added. Makes room once a sweep if there is none for a site. */
void memory_look(struct sources_context *context);

/* After threads came and went: what they took and gave back holds for the kernel's records, too. */
void memory_allow_records(struct sources_context *context);

/*
 * With each report: makes room if there is little or something was refused, which it counts. Sites
 * are to expire early then.
 */
void memory_settle(struct sources_context *context);

/* After they have: gives back what they had. */
void memory_trim(struct sources_context *context);

#endif
