/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_ELF_FIXTURE_H
#define PARKSCOPE_TESTS_ELF_FIXTURE_H

/*
 * A small 64-bit ELF file whose every field a test can spoil: a note segment with
 * a build id, one executable segment, and one symbol table.
 */

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	FIXTURE_TEXT_OFFSET = 0x1000,
	FIXTURE_TEXT_VADDR = 0x401000,
	FIXTURE_TEXT_SIZE = 0x1000,
	FIXTURE_SYMBOLS_MAX = 32,
};

/* Places in the section table. */
enum {
	FIXTURE_NONE,
	FIXTURE_TEXT,
	FIXTURE_SYMBOLS,
	FIXTURE_NAMES,
	FIXTURE_DATA,
	FIXTURE_SECTIONS,
};

struct elf_fixture {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	struct {
		Elf64_Nhdr header;
		char owner[4];
		unsigned char id[8];
	} note;
	Elf64_Shdr sections[FIXTURE_SECTIONS];
	Elf64_Sym symbols[FIXTURE_SYMBOLS_MAX];
	char names[1024];
	size_t names_size;
	size_t symbol_count;
};

static inline void elf_fixture_symbol(struct elf_fixture *file, const char *name,
				      uint64_t text_offset, uint64_t size, unsigned int binding,
				      unsigned int type, uint16_t section)
{
	size_t length = strlen(name) + 1;

	assert_true(file->symbol_count < FIXTURE_SYMBOLS_MAX);
	assert_true(file->names_size + length <= sizeof(file->names));
	file->symbols[file->symbol_count++] = (Elf64_Sym){
		.st_name = (Elf64_Word)file->names_size,
		.st_value = FIXTURE_TEXT_VADDR + text_offset,
		.st_size = size,
		.st_info = (unsigned char)ELF64_ST_INFO(binding, type),
		.st_shndx = section,
	};
	memcpy(file->names + file->names_size, name, length);
	file->names_size += length;
	file->sections[FIXTURE_SYMBOLS].sh_size = file->symbol_count * sizeof(Elf64_Sym);
	file->sections[FIXTURE_NAMES].sh_size = file->names_size;
}

/* A sized global function, the usual case. */
static inline void elf_fixture_function(struct elf_fixture *file, const char *name,
					uint64_t text_offset, uint64_t size)
{
	elf_fixture_symbol(file, name, text_offset, size, STB_GLOBAL, STT_FUNC, FIXTURE_TEXT);
}

/* `table` is SHT_SYMTAB or SHT_DYNSYM. */
static inline void elf_fixture_init(struct elf_fixture *file, uint32_t table)
{
	static const unsigned char id[8] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};

	memset(file, 0, sizeof(*file));
	file->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = offsetof(struct elf_fixture, segments),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shoff = offsetof(struct elf_fixture, sections),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = FIXTURE_SECTIONS,
	};
	file->segments[0] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = offsetof(struct elf_fixture, note),
		.p_filesz = sizeof(file->note),
		.p_align = 4,
	};
	file->segments[1] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = FIXTURE_TEXT_OFFSET,
		.p_vaddr = FIXTURE_TEXT_VADDR,
		.p_filesz = FIXTURE_TEXT_SIZE,
		.p_memsz = FIXTURE_TEXT_SIZE,
		.p_align = 0x1000,
	};
	file->note.header = (Elf64_Nhdr){4, sizeof(id), NT_GNU_BUILD_ID};
	memcpy(file->note.owner, ELF_NOTE_GNU, sizeof(file->note.owner));
	memcpy(file->note.id, id, sizeof(id));
	file->sections[FIXTURE_TEXT] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = FIXTURE_TEXT_VADDR,
		.sh_offset = FIXTURE_TEXT_OFFSET,
		.sh_size = FIXTURE_TEXT_SIZE,
	};
	file->sections[FIXTURE_DATA] =
		(Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE};
	file->sections[FIXTURE_SYMBOLS] = (Elf64_Shdr){
		.sh_type = table,
		.sh_link = FIXTURE_NAMES,
		.sh_offset = offsetof(struct elf_fixture, symbols),
		.sh_entsize = sizeof(Elf64_Sym),
	};
	file->sections[FIXTURE_NAMES] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct elf_fixture, names),
	};
	file->names_size = 1;
	file->symbol_count = 1;
	file->sections[FIXTURE_SYMBOLS].sh_size = sizeof(Elf64_Sym);
	file->sections[FIXTURE_NAMES].sh_size = 1;
}

/* A file without name that has the first `size` bytes; the caller closes it. */
static inline int elf_fixture_file(const void *data, size_t size)
{
	int fd = memfd_create("elf_fixture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}

#endif
