/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_PPROF_DUMP_H
#define PARKSCOPE_INPUT_PPROF_DUMP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "model/dump.h"

/*
 * Reads what `parkscope dump -f pprof` wrote. It knows no stays and nobody who is not parked.
 * -EBADMSG: it is damaged, or somebody else's profile; -E2BIG: it is larger than
 * PPROF_BYTES_MAX unpacked, or beyond the limits of model/dump.h; -ENOMEM; or why the file
 * cannot be read.
 */
int pprof_dump_read(FILE *file, struct dump **dump, struct error *error);

/* The same of a profile that has been unpacked from its gzip file. */
int pprof_dump_parse(const uint8_t *data, size_t length, struct dump **dump, struct error *error);

/* A dump of 10,000 sites has two or three MiB. */
#define PPROF_BYTES_MAX ((size_t)64 << 20)

#endif
