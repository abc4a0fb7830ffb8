/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GNU_DEBUGDATA_H
#define PARKSCOPE_SYMBOLS_GNU_DEBUGDATA_H

/*
 * "MiniDebugInfo", which Fedora and RHEL put into every program: the section
 * .gnu_debugdata is an ELF file, compressed with xz, whose .symtab has the functions
 * that .dynsym lacks (gdb's manual, "Debugging information in a special section").
 */

#include <stddef.h>

#include "process/elf_image.h"

enum {
	/* Bytes of the section. Distributions' largest, of browsers, have some MiB. */
	GNU_DEBUGDATA_COMPRESSED_MAX = 8 << 20,
	/* Bytes of the ELF file in it, whatever the section claims: 0.3 s of decoding. */
	GNU_DEBUGDATA_SIZE_MAX = 32 << 20,
	/* Bytes that the decoder may take. "xz -8" needs 33 MiB, the usual -6 9 MiB. */
	GNU_DEBUGDATA_DECODER_MAX = 40 << 20,
};

/*
 * Returns 0 and the inner file, which the caller frees, or a negative errno: -ENODATA
 * where there is no such section, -EFBIG where a limit is met, -EBADMSG where it is
 * damaged, -ENOMEM.
 */
int gnu_debugdata_read(const struct elf_image *image, void **data, size_t *size);

#endif
