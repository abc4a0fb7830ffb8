/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_BUILD_INFO_H
#define PARKSCOPE_GORUNTIME_GO_BUILD_INFO_H

/*
 * Whether an ELF file is a Go program or library, and by which Go it was built: its
 * "build info" (src/debug/buildinfo/buildinfo.go), which also stripped binaries have.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "goruntime/go_version.h"
#include "process/elf_image.h"

/*
 * Memory of a process that runs the file, by the file's vaddrs: Go 1.17 and older keep
 * pointers in the build info, which in a position-independent program only the loaded
 * one has. Returns like process_memory_read().
 */
struct go_memory {
	pid_t pid;
	uint64_t bias; /* address = vaddr + bias */
};

ssize_t go_memory_read(const struct go_memory *memory, uint64_t vaddr, void *buffer, size_t size);

/*
 * By section .go.buildinfo, or where the section table is gone by searching the loaded
 * segments for its magic (bounded). `memory` may be NULL. 0; -ENODATA: no build info,
 * so this is no Go; -EINVAL: there is, but its version cannot be read.
 */
int go_build_info_read(const struct elf_image *image, const struct go_memory *memory,
		       struct go_version *version);

#endif
