/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_PROCESS_H
#define PARKSCOPE_GORUNTIME_GO_PROCESS_H

/*
 * The Go runtime inside a running process, found from outside: which mapped file holds
 * it, its version and layout, its line table, and where `runtime.allgs` is. The process
 * is not stopped and nothing in it is changed; it may lie in everything.
 * For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "goruntime/go_layout.h"
#include "goruntime/go_version.h"
#include "goruntime/go_wait_reason.h"
#include "process/mapping_cache.h"
#include "symbols/go_line_table.h"

struct go_process;

/*
 * The files that were looked into, for all processes: most have no Go, and need not be
 * opened again; processes of the same program share its line table. NULL without memory.
 */
struct go_process_files;
struct go_process_files *go_process_files_new(void);
void go_process_files_free(struct go_process_files *files);
define_auto_free(go_process_files)

/*
 * Looks for Go in the files that the process has mapped executable: its program, or a
 * library of a program in another language (c-shared). `files` may be freed before the object.
 *
 * Returns 0 and an object that the caller frees; -ENODATA: there is no Go in it;
 * -ENOTSUP: there is, but it cannot be read, and the error is one line that names the
 * version ("Go 1.99 is not known and has no DWARF"); -EAGAIN: the runtime is not set
 * up yet, ask again; -ESRCH and others (-EMFILE, -EACCES) as reading says: whether there is
 * Go is not known then. `use_map_files` as in mapped_file.h.
 */
int go_process_attach(struct process_mappings *mappings, struct go_process_files *files,
		      bool use_map_files, struct go_process **out, struct error *error);
void go_process_free(struct go_process *go);
define_auto_free(go_process)

pid_t go_process_pid(const struct go_process *go);
const struct go_version *go_process_version(const struct go_process *go);
const struct go_layout *go_process_layout(const struct go_process *go);

/* Those of its version; none where parkscope does not know it. */
const struct go_wait_reasons *go_process_wait_reasons(const struct go_process *go);

/* Address of runtime.allgs, a slice: {pointer, length, capacity}. */
uint64_t go_process_allgs(const struct go_process *go);

/* Addresses where runtime.semtable may be, see go_find_semtables(). Returns how many. */
size_t go_process_semtables(const struct go_process *go, const uint64_t **addresses);

/* Whether `address` lies in Go code of this runtime's module. */
bool go_process_has_code(const struct go_process *go, uint64_t address);

/*
 * The calls at an address of the process that lies within an instruction (for a return
 * address: minus one); see go_line_table_find(). `entry` is an address of the process, too.
 */
size_t go_process_find_calls(const struct go_process *go, uint64_t address, struct go_call *calls,
			     size_t capacity);

/* Whether a return address is that of the function under every goroutine, runtime.goexit. */
bool go_process_is_goexit(const struct go_process *go, uint64_t address);

/* As go_line_table_frame_size(), at an address of the process. */
int go_process_frame_size(const struct go_process *go, uint64_t address, uint64_t *size);

/* Name of the module's file, without directories: "server". */
const char *go_process_module(const struct go_process *go);

#endif
