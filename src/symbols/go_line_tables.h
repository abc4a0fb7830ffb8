/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_LINE_TABLES_H
#define PARKSCOPE_SYMBOLS_GO_LINE_TABLES_H

/*
 * The line tables of files, one for all who use the same file at the same time: each takes
 * some 70 KB and a descriptor. For one thread at a time.
 */

#include "symbols/go_line_table.h"

struct go_line_tables;

/* A line table and its users. */
struct go_shared_lines;

/* NULL without memory. Tables that are in use stay when the object is freed. */
struct go_line_tables *go_line_tables_new(void);
void go_line_tables_free(struct go_line_tables *tables);
define_auto_free(go_line_tables)

/*
 * The table of the file: 0 and an object that the caller releases, or as
 * go_line_table_load() says, which is called where nobody has the file's yet.
 */
int go_line_tables_get(struct go_line_tables *tables, int fd, struct go_shared_lines **out,
		       struct error *error);
const struct go_line_table *go_shared_lines_table(const struct go_shared_lines *shared);
void go_shared_lines_release(struct go_shared_lines *shared);

#endif
