/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_DEBUG_FILE_H
#define PARKSCOPE_SYMBOLS_DEBUG_FILE_H

/*
 * Opens the separate debug file that this host has for a build id, say
 * /usr/lib/debug/.build-id/3c/d1….debug. `directory` NULL stands for the usual
 * place, "" for none. `build_id` is hex digits, as elf_image_build_id() makes them:
 * the path leads nowhere else.
 *
 * Returns a file descriptor that the caller closes, of a regular ELF file with that
 * build id, or a negative errno: -ENOENT where there is none, -ESTALE where the file
 * has another build id.
 */
int debug_file_open(const char *directory, const char *build_id);

#endif
