/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_DUMP_FILE_H
#define PARKSCOPE_INPUT_DUMP_FILE_H

#include "base/error.h"
#include "model/dump.h"

/*
 * Reads a dump from a file or a pipe (<(...) of a shell): jsonl_dump.h, or pprof_dump.h where it
 * begins as gzip does. The error names the file.
 */
int dump_file_read(const char *path, struct dump **dump, struct error *error);

#endif
