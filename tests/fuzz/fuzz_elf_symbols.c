// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "fuzz.h"
#include "symbols/elf_symbols.h"

/* The address that is looked up is the end of the input, so that the fuzzer chooses it too. */
static uint64_t last_word(const uint8_t *data, size_t size)
{
	uint64_t word = 0;

	if (size >= sizeof(word))
		memcpy(&word, data + size - sizeof(word), sizeof(word));
	return word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(elf_symbols) struct elf_symbols *symbols = NULL;
	uint64_t address = last_word(data, size), vaddr;
	struct elf_symbol found;

	if (elf_symbols_load_memory(data, size, &symbols, NULL) < 0)
		return 0;
	if (elf_symbols_find(symbols, address, &found)) {
		FUZZ_REQUIRE(address - found.address < found.size);
		FUZZ_REQUIRE(strlen(found.name) > 0);
	}
	elf_symbols_vaddr(symbols, address, &vaddr);
	return 0;
}
