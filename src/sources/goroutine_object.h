/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_GOROUTINE_OBJECT_H
#define PARKSCOPE_SOURCES_GOROUTINE_OBJECT_H

#include <stdbool.h>

#include "goruntime/go_process.h"
#include "goruntime/go_semaphores.h"
#include "goruntime/goroutine.h"
#include "model/wait_objects.h"

/*
 * What a parked goroutine waits for, whose reason has the name `reason`: unknown, or a
 * channel, a select, a semaphore. False where it cannot be told, or it moved meanwhile.
 */
bool goroutine_object_read(const struct go_process *go, struct go_semaphores *semaphores,
			   const struct goroutine *goroutine, const char *reason,
			   struct wait_object *object);

#endif
