/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_RUN_ID_H
#define PARKSCOPE_COMMANDS_RUN_ID_H

/* 64 random bits as hexadecimal digits, which tell this run from all others. 0 or -errno. */
int run_id_make(char run_id[17]);

#endif
