// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A C program that says that it is Go: it has the build info that a linker of Go writes
 * (src/debug/buildinfo/buildinfo.go), with the version FAKE_GO_VERSION, and nothing else of Go.
 */
#include "target.h"

#define VERSION_LENGTH (sizeof(FAKE_GO_VERSION) - 1)

_Static_assert(VERSION_LENGTH < 128, "its length takes one byte");

static const struct {
	char magic[14];
	unsigned char pointer_size, flags;
	char unused[16];
	unsigned char version_length;
	char version[VERSION_LENGTH];
	unsigned char modules_length;
} build_info __attribute__((section(".go.buildinfo"), used, aligned(16))) = {
	.magic = "\xff Go buildinf:",
	.pointer_size = 8,
	.flags = 2, /* the strings follow */
	.version_length = VERSION_LENGTH,
	.version = FAKE_GO_VERSION,
};

int main(int argc, char **argv)
{
	target_start(argc, argv, NULL, 0);
	target_print("threads", 0);
	target_ready();
	while (target_next(-1) != TARGET_QUIT)
		continue;
	target_finish();
}
