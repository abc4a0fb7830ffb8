/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_DUMP_FIELDS_H
#define PARKSCOPE_INPUT_DUMP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/dump.h"

/* What the fields of dumps say, the same in every format. */

/* PID_MAX_LIMIT of 64-bit kernels, include/linux/threads.h */
#define DUMP_PID_MAX (4U * 1024 * 1024)

/* A 64-bit id: 16 hexadecimal digits in lower case. */
bool dump_id_parse(const char *text, uint64_t *id);

/* "2026-01-31T23:59:59.123Z", with or without decimals, from 1970 on. */
bool dump_time_parse(const char *text, int64_t *wall_ns);

/* `text` NULL is no unit. */
bool dump_unit_parse(const char *text, enum unit *unit);

/* A word in snake_case; NULL is none. The list of reasons may have grown since. */
bool dump_reason_is_valid(const char *text);

/* A copy that counts for DUMP_BYTES_MAX. */
int dump_copy_text(struct dump *dump, const char *text, char **copy, struct error *error);

/* The sentence for what functions of model/dump.h return; returns `code`. */
int dump_add_failed(int code, struct error *error);

#endif
