/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_JSONL_DUMP_H
#define PARKSCOPE_INPUT_JSONL_DUMP_H

#include <stdio.h>

#include "base/error.h"
#include "model/dump.h"

/*
 * Reads what `parkscope dump -f jsonl` wrote, from parkscope.start to parkscope.end. Records and
 * fields that are not known are passed over, so that later versions can be read; what is known
 * must be as doc/schema.json says. -EBADMSG: it is no dump, is cut, has several, or is damaged;
 * -E2BIG: it is beyond the limits of model/dump.h; -ENOMEM; or why the file cannot be read. The
 * error says in which line.
 */
int jsonl_dump_read(FILE *file, struct dump **dump, struct error *error);

#endif
