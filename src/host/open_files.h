/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_OPEN_FILES_H
#define PARKSCOPE_HOST_OPEN_FILES_H

/*
 * Raises how many files this process may have open as far as its hard limit allows
 * (RLIMIT_NOFILE, getrlimit(2)): each Go program that is watched keeps one open, and the usual
 * 1024 are for programs that use select(2). What cannot be raised stays as it is.
 */
void open_files_raise_limit(void);

#endif
