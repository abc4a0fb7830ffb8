/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_GUNZIP_H
#define PARKSCOPE_INPUT_GUNZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/*
 * Unpacks a file that is one gzip member, up to `limit` bytes, whatever it claims; `*data` is the
 * caller's to free(). -EBADMSG: it is damaged or cut, or something follows; -E2BIG: it is larger;
 * -ENOMEM; or why it cannot be read.
 */
int gunzip(FILE *file, size_t limit, uint8_t **data, size_t *length, struct error *error);

#endif
