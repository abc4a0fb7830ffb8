/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_CFI_FIXTURE_H
#define PARKSCOPE_TESTS_CFI_FIXTURE_H

/* Call frame information made by hand, record by record. */

#include <stdbool.h>
#include <string.h>

#include "unit_test.h"
#include "unwind/dwarf_constants.h"
#include "unwind/frame_description.h"

enum {
	CFI_VADDR = 0x300000, /* of the section */
	CFI_CODE = 0x401000,
	CFI_CODE_END = 0x402000,
	CFI_DATA_FACTOR = -8,
};

/* Bytes and their number, as arguments. */
#define BYTES(...) \
	(const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

/* CFA = sp + 8, return address at CFA - 8: what x86-64 compilers begin with. */
#define CFI_USUAL DW_CFA_DEF_CFA, DWARF_REGISTER_SP, 8, DW_CFA_OFFSET | DWARF_REGISTER_RA, 1

struct cfi_fixture {
	unsigned char data[4096];
	size_t size;
	bool is_debug_frame;
};

static inline void cfi_put(struct cfi_fixture *cfi, const void *bytes, size_t size)
{
	assert_true(size <= sizeof(cfi->data) - cfi->size);
	if (size)
		memcpy(cfi->data + cfi->size, bytes, size);
	cfi->size += size;
}

static inline void cfi_put_u8(struct cfi_fixture *cfi, uint8_t value)
{
	cfi_put(cfi, &value, sizeof(value));
}

static inline void cfi_put_u32(struct cfi_fixture *cfi, uint32_t value)
{
	cfi_put(cfi, &value, sizeof(value));
}

static inline void cfi_put_u64(struct cfi_fixture *cfi, uint64_t value)
{
	cfi_put(cfi, &value, sizeof(value));
}

/* Returns where the record begins. */
static inline size_t cfi_begin(struct cfi_fixture *cfi, uint32_t identifier)
{
	size_t record = cfi->size;

	cfi_put_u32(cfi, 0);
	cfi_put_u32(cfi, identifier);
	return record;
}

static inline void cfi_end(struct cfi_fixture *cfi, size_t record)
{
	uint32_t length = (uint32_t)(cfi->size - record - 4);

	memcpy(cfi->data + record, &length, sizeof(length));
}

/* Version, augmentation, factors of 1 and -8, return address in 16. */
static inline size_t cfi_begin_common(struct cfi_fixture *cfi, const char *augmentation)
{
	size_t record = cfi_begin(cfi, cfi->is_debug_frame ? UINT32_MAX : 0);

	cfi_put_u8(cfi, 1);
	cfi_put(cfi, augmentation, strlen(augmentation) + 1);
	cfi_put(cfi, BYTES(1, CFI_DATA_FACTOR & 0x7f, DWARF_REGISTER_RA));
	return record;
}

static inline size_t cfi_common_augmented(struct cfi_fixture *cfi, const char *augmentation,
					  const void *data, size_t data_size, const void *program,
					  size_t program_size)
{
	size_t record = cfi_begin_common(cfi, augmentation);

	cfi_put(cfi, data, data_size);
	cfi_put(cfi, program, program_size);
	cfi_end(cfi, record);
	return record;
}

/* The usual one, whose functions have pointers of 8 bytes. */
static inline size_t cfi_common(struct cfi_fixture *cfi)
{
	return cfi_common_augmented(cfi, "", NULL, 0, BYTES(CFI_USUAL));
}

/* The pointers of one function follow. */
static inline size_t cfi_begin_function(struct cfi_fixture *cfi, size_t common)
{
	uint32_t back = (uint32_t)(cfi->size + 4 - common);

	return cfi_begin(cfi, cfi->is_debug_frame ? (uint32_t)common : back);
}

static inline void cfi_function(struct cfi_fixture *cfi, size_t common, uint64_t start,
				uint64_t length, const void *program, size_t program_size)
{
	size_t record = cfi_begin_function(cfi, common);

	cfi_put_u64(cfi, start);
	cfi_put_u64(cfi, length);
	cfi_put(cfi, program, program_size);
	cfi_end(cfi, record);
}

static inline struct frame_section cfi_section(const struct cfi_fixture *cfi)
{
	return (struct frame_section){.data = cfi->data,
				      .size = cfi->size,
				      .vaddr = CFI_VADDR,
				      .is_debug_frame = cfi->is_debug_frame};
}

#endif
