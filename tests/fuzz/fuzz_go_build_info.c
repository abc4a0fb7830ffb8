// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "fuzz.h"
#include "goruntime/go_build_info.h"

/* The file's own bytes stand for the process's memory, as far as it goes. */
static void read_info(const struct elf_image *image, const struct go_memory *memory)
{
	struct go_version version = {.minor = UINT32_MAX};

	if (go_build_info_read(image, memory, &version) != 0) {
		FUZZ_REQUIRE(version.minor == UINT32_MAX);
		return;
	}
	FUZZ_REQUIRE(version.minor < 1000000);
	FUZZ_REQUIRE(memchr(version.text, '\0', sizeof(version.text)) != NULL);
	for (const char *at = version.text; *at != '\0'; at++)
		FUZZ_REQUIRE(*at >= ' ' && *at <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	struct go_memory memory = {.pid = getpid(), .bias = (uint64_t)(uintptr_t)data};

	if (elf_image_open_memory(data, size, &image, NULL) < 0)
		return 0;
	read_info(image, NULL);
	read_info(image, &memory);
	return 0;
}
