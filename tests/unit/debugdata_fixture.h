/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_DEBUGDATA_FIXTURE_H
#define PARKSCOPE_TESTS_DEBUGDATA_FIXTURE_H

/* An ELF fixture with a .gnu_debugdata behind it, which takes the place of its .data. */

#include <lzma.h>
#include <stdlib.h>

#include "elf_fixture.h"

struct debugdata_fixture {
	struct elf_fixture file;
	unsigned char compressed[64 << 10];
	size_t compressed_size;
};

/* The bytes of the section as they are. */
static inline void debugdata_fixture_set(struct debugdata_fixture *fixture, const void *data,
					 size_t size)
{
	struct elf_fixture *file = &fixture->file;

	assert_true(size <= sizeof(fixture->compressed));
	memcpy(fixture->compressed, data, size);
	fixture->compressed_size = size;
	file->header.e_shstrndx = FIXTURE_NAMES;
	file->sections[FIXTURE_DATA] = (Elf64_Shdr){
		.sh_name = (Elf64_Word)file->names_size,
		.sh_type = SHT_PROGBITS,
		.sh_offset = offsetof(struct debugdata_fixture, compressed),
		.sh_size = size,
	};
	strcpy(file->names + file->names_size, ".gnu_debugdata");
	file->names_size += sizeof(".gnu_debugdata");
	file->sections[FIXTURE_NAMES].sh_size = file->names_size;
}

/* Compressed by xz with that preset. */
static inline void debugdata_fixture_compress(struct debugdata_fixture *fixture, const void *data,
					      size_t size, uint32_t preset)
{
	unsigned char compressed[sizeof(fixture->compressed)];
	size_t at = 0;

	assert_int_equal(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, NULL, data, size,
						 compressed, &at, sizeof(compressed)),
			 LZMA_OK);
	debugdata_fixture_set(fixture, compressed, at);
}

#endif
