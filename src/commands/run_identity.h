/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_COMMANDS_RUN_IDENTITY_H
#define PARKSCOPE_COMMANDS_RUN_IDENTITY_H

/* By which records of one run are known. */
struct run_identity {
	char run_id[17]; /* 16 hex digits */
	char hostname[256];
};

/* Of this run on this host. A negative errno. */
int run_identity_make(struct run_identity *identity);

#endif
