/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_ELF_IMAGE_H
#define PARKSCOPE_PROCESS_ELF_IMAGE_H

/*
 * The tables of an ELF file that a hostile process may own: program headers,
 * section headers, build id, and checked reads of the rest. 32 and 64 bit, in the
 * byte order of this machine.
 *
 * Why not libelf: its mmap mode dies of SIGBUS when the owner truncates the file,
 * and its read mode loads whole files or allocates what a section header says.
 * Here every byte comes from pread(2) into a buffer of bounded size, so that a
 * lying or shrinking file gives an error. The sources of numbers are elf(5) and
 * the System V ABI.
 *
 * Reading moves no file offset: several threads may use one image.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Program headers: linkers write about a dozen. */
	ELF_IMAGE_SEGMENTS_MAX = 512,
	/* Section headers: linkers write less than a hundred; 2.5 MiB of memory at most. */
	ELF_IMAGE_SECTIONS_MAX = 65536,
	/* Bytes of the sections' names: a bound for those of ELF_IMAGE_SECTIONS_MAX sections. */
	ELF_IMAGE_NAMES_MAX = 1 << 20,
	/* Bytes of a build id: SHA-1 has 20, some linkers let the user choose. */
	ELF_BUILD_ID_MAX = 64,
};

struct elf_segment {
	uint32_t type;  /* PT_… */
	uint32_t flags; /* PF_… */
	uint64_t offset;
	uint64_t vaddr;
	uint64_t file_size;
	uint64_t memory_size;
	uint64_t align;
};

struct elf_section {
	const char *name; /* raw; "" where the file has none for it; belongs to the image */
	uint32_t type;    /* SHT_… */
	uint32_t link;    /* another section's index, not checked */
	uint64_t flags;
	uint64_t vaddr;
	uint64_t offset;
	uint64_t size;
	uint64_t entry_size;
};

struct elf_image;

/*
 * Reads the headers. `fd` and `data` are only borrowed and must outlive the
 * image. Returns 0 and an object that the caller frees, or a negative errno:
 * -ENOEXEC where it is no ELF file of this byte order or its program headers are
 * damaged. Damaged section headers count as none.
 */
int elf_image_open_fd(int fd, struct elf_image **out, struct error *error);
int elf_image_open_memory(const void *data, size_t size, struct elf_image **out,
			  struct error *error);

void elf_image_free(struct elf_image *image);
define_auto_free(elf_image);

bool elf_image_is_64bit(const struct elf_image *image);
uint16_t elf_image_machine(const struct elf_image *image); /* EM_… */
uint64_t elf_image_size(const struct elf_image *image);
size_t elf_image_segments(const struct elf_image *image, const struct elf_segment **segments);
size_t elf_image_sections(const struct elf_image *image, const struct elf_section **sections);

/* The first section of that name, or NULL. */
const struct elf_section *elf_image_find_section(const struct elf_image *image, const char *name);

/* Lower-case hex digits; NULL where there is no build id. Belongs to the image. */
const char *elf_image_build_id(const struct elf_image *image);

/*
 * Reads exactly `size` bytes at `offset` of the file: 0, -ENODATA where the file
 * ends before, or what pread(2) says.
 */
int elf_image_read(const struct elf_image *image, uint64_t offset, void *buffer, size_t size);

#endif
