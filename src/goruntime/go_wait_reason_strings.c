// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_wait_reason_strings.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "process/process_memory.h"

enum {
	/* Symbols that are looked at; Kubernetes has 100,000. */
	SYMBOLS_MAX = 1 << 20,
	SYMBOLS_AT_ONCE = 512,
	/* Names that are compared: of objects of a fitting size. */
	NAMES_MAX = 1 << 14,
	STRING_SIZE = 16, /* a Go string: {pointer, length} */
	/* 1.15 has 26 reasons. */
	REASONS_MIN = 16,
};

static const char reasons_name[] = "runtime.waitReasonStrings";

struct name_search {
	const struct elf_image *image;
	const struct elf_section *names;
	size_t left;
};

static bool is_array_of_reasons(struct name_search *search, const Elf64_Sym *symbol)
{
	char name[sizeof(reasons_name)];

	if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_size % STRING_SIZE != 0 ||
	    symbol->st_size < REASONS_MIN * STRING_SIZE ||
	    symbol->st_size > GO_WAIT_REASONS_MAX * STRING_SIZE || !search->left)
		return false;
	search->left--;
	return symbol->st_name < search->names->size &&
	       search->names->size - symbol->st_name >= sizeof(name) &&
	       elf_image_read(search->image, search->names->offset + symbol->st_name, name,
			      sizeof(name)) == 0 &&
	       memcmp(name, reasons_name, sizeof(name)) == 0;
}

static int find_symbol(const struct elf_image *image, Elf64_Sym *found)
{
	const struct elf_section *table = elf_image_find_section(image, ".symtab"), *sections;
	struct name_search search = {.image = image, .left = NAMES_MAX};
	size_t count = elf_image_sections(image, &sections);
	Elf64_Sym symbols[SYMBOLS_AT_ONCE];
	uint64_t total;

	if (!table || table->link >= count || table->entry_size != sizeof(symbols[0]))
		return -ENOENT;
	search.names = &sections[table->link];
	total = table->size / sizeof(symbols[0]);
	if (total > SYMBOLS_MAX)
		total = SYMBOLS_MAX;
	for (uint64_t at = 0; at < total; at += SYMBOLS_AT_ONCE) {
		size_t n = total - at < SYMBOLS_AT_ONCE ? total - at : SYMBOLS_AT_ONCE;

		if (elf_image_read(image, table->offset + at * sizeof(symbols[0]), symbols,
				   n * sizeof(symbols[0])) < 0)
			return -ENOENT;
		for (size_t i = 0; i < n; i++) {
			if (is_array_of_reasons(&search, &symbols[i])) {
				*found = symbols[i];
				return 0;
			}
		}
	}
	return -ENOENT;
}

static bool is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

/* Reads one string; false where it is none. */
static bool read_string(pid_t pid, const uint64_t string[2], char text[GO_WAIT_REASON_SIZE])
{
	size_t length = string[1];

	if (string[1] >= GO_WAIT_REASON_SIZE ||
	    process_memory_read(pid, string[0], text, length) != (ssize_t)length)
		return false;
	text[length] = '\0';
	return is_printable(text, length);
}

int go_wait_reasons_read(const struct elf_image *image, const struct go_memory *memory,
			 struct go_wait_reasons *reasons)
{
	uint64_t strings[GO_WAIT_REASONS_MAX][2];
	struct go_wait_reasons read = {0};
	Elf64_Sym symbol;
	int result = find_symbol(image, &symbol);

	if (result < 0)
		return result;
	if (go_memory_read(memory, symbol.st_value, strings, symbol.st_size) !=
	    (ssize_t)symbol.st_size)
		return -ENOENT;
	for (size_t i = 0; i < symbol.st_size / STRING_SIZE; i++) {
		if (!read_string(memory->pid, strings[i], read.texts[i]))
			return -ENOENT;
		read.count++;
	}
	*reasons = read;
	return 0;
}
