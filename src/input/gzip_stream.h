/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_GZIP_STREAM_H
#define PARKSCOPE_INPUT_GZIP_STREAM_H

#include <stdio.h>

#include "base/error.h"

/*
 * Opens a file to be read from its beginning: unpacked, as it goes, if it is compressed by gzip.
 * The caller closes it by fclose(). A directory is -EISDIR.
 */
int gzip_stream_open(const char *path, FILE **file, struct error *error);

#endif
