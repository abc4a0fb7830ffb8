/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_JSONL_READER_H
#define PARKSCOPE_INPUT_JSONL_READER_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

/*
 * The records of a JSON Lines file, one after the other. The file may be hostile: a line has a
 * limit, must be whole, and must be one JSON object without names that stand twice in it.
 */

/* A crowd of STAY_SAMPLE_MAX with a stack of 128 long names is a quarter of that. */
#define JSONL_LINE_MAX ((size_t)4 << 20)

struct jsonl_reader;

/* The file must outlive it, and is the caller's to close. NULL without memory. */
struct jsonl_reader *jsonl_reader_new(FILE *file);
void jsonl_reader_free(struct jsonl_reader *reader);
define_auto_free(jsonl_reader)

/*
 * 1: `*record` is the next one, the caller's to json_decref(); 0: the file has ended. -EBADMSG:
 * the line is no record, or cut; -E2BIG: it is too long; -ENOMEM; or why it cannot be read. The
 * error says in which line.
 */
int jsonl_reader_next(struct jsonl_reader *reader, json_t **record, struct error *error);

/* Of the last record, from 1. */
uint64_t jsonl_reader_line(const struct jsonl_reader *reader);

#endif
