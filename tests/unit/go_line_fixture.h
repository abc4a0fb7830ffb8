/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_GO_LINE_FIXTURE_H
#define PARKSCOPE_TESTS_GO_LINE_FIXTURE_H

/*
 * A small ELF file with a line table of Go in each of its formats, whose every byte a test
 * can spoil. No section table: the table is found in the loaded segment. Functions:
 *
 *	main.plain                    0x401000  a.go:10
 *	main.outer[go.shape.int]      0x401100  a.go:20; from 0x10 to 0x20 main.inner (b.go:30)
 *	                                        is inlined, from 0x14 to 0x18 main.deep (b.go:40)
 *	                                        into that, called at 0x12 and 0x08
 *	main.last                     0x401200  to 0x401300; a wrapper in no file
 */

#include <elf.h>
#include <string.h>

#include "unit_test.h"

enum go_fixture_format {
	GO_FIXTURE_1_2,
	GO_FIXTURE_1_16,
	GO_FIXTURE_1_18,
	GO_FIXTURE_1_20,
	GO_FIXTURE_FORMATS,
};

enum {
	GO_FIXTURE_VADDR = 0x400000,
	GO_FIXTURE_TEXT = 0x401000,
	GO_FIXTURE_FUNC_DATA = 0x200, /* offset in the file */
	GO_FIXTURE_TABLE = 0x300,
	GO_FIXTURE_SIZE = 0x800,
	GO_FIXTURE_FUNCTIONS = 3,
};

struct go_fixture {
	enum go_fixture_format format;
	_Alignas(8) unsigned char bytes[GO_FIXTURE_SIZE];
	size_t at; /* where the next thing is put */
	/* Offsets in the file. */
	size_t names;
	size_t units;
	size_t files;
	size_t values;
	size_t functab;
	size_t records[GO_FIXTURE_FUNCTIONS];
};

static inline size_t go_fixture_put(struct go_fixture *fixture, const void *bytes, size_t size)
{
	size_t at = fixture->at;

	assert_true(at + size <= sizeof(fixture->bytes));
	memcpy(fixture->bytes + at, bytes, size);
	fixture->at += size;
	return at;
}

static inline size_t go_fixture_word(struct go_fixture *fixture, uint32_t word)
{
	return go_fixture_put(fixture, &word, sizeof(word));
}

static inline size_t go_fixture_long(struct go_fixture *fixture, uint64_t word)
{
	return go_fixture_put(fixture, &word, sizeof(word));
}

static inline void go_fixture_align(struct go_fixture *fixture)
{
	fixture->at = (fixture->at + 7) & ~(size_t)7;
}

static inline bool go_fixture_is_wide(const struct go_fixture *fixture)
{
	return fixture->format <= GO_FIXTURE_1_16;
}

/* Offsets in the oldest format all count from the table. */
static inline uint32_t go_fixture_offset(const struct go_fixture *fixture, size_t at, size_t part)
{
	return (uint32_t)(at - (fixture->format == GO_FIXTURE_1_2 ? GO_FIXTURE_TABLE : part));
}

/* Pairs of a value and the number of bytes of code for which it holds, below 64 each. */
static inline size_t go_fixture_values(struct go_fixture *fixture, const int (*pairs)[2],
				       size_t count)
{
	size_t at = fixture->at;
	int last = -1;

	for (size_t i = 0; i < count; i++) {
		int difference = pairs[i][0] - last;
		unsigned int zigzag =
			(unsigned int)(difference < 0 ? -2 * difference - 1 : 2 * difference);
		unsigned char raw[] = {(unsigned char)zigzag, (unsigned char)(pairs[i][1] | 0x80),
				       0};

		assert_true(zigzag < 0x80);
		/* Two bytes, as a number may be written longer than it need be. */
		go_fixture_put(fixture, raw, sizeof(raw));
		last = pairs[i][0];
	}
	go_fixture_put(fixture, "", 1);
	return at;
}

struct go_fixture_function {
	size_t name;
	size_t files;
	size_t lines;
	size_t inlined; /* 0: none */
	uint32_t start_line;
	uint8_t id;
};

static inline void go_fixture_record(struct go_fixture *fixture, size_t index,
				     const struct go_fixture_function *function)
{
	static const uint8_t tree[] = {4, 3, 3, 3};
	uint8_t func_data = function->inlined ? (uint8_t)(tree[fixture->format] + 1) : 0;
	uint8_t tail[4] = {function->id, 0, 0, func_data};

	go_fixture_align(fixture);
	fixture->records[index] = fixture->at;
	if (go_fixture_is_wide(fixture))
		go_fixture_long(fixture, GO_FIXTURE_TEXT + index * 0x100);
	else
		go_fixture_word(fixture, (uint32_t)index * 0x100);
	go_fixture_word(fixture, go_fixture_offset(fixture, function->name, fixture->names));
	for (int i = 0; i < 3; i++) /* args, deferreturn, pcsp */
		go_fixture_word(fixture, 0);
	go_fixture_word(fixture, go_fixture_offset(fixture, function->files, fixture->values));
	go_fixture_word(fixture, go_fixture_offset(fixture, function->lines, fixture->values));
	go_fixture_word(fixture, function->inlined ? 3 : 0);
	if (fixture->format != GO_FIXTURE_1_2)
		go_fixture_word(fixture, 1); /* the unit's first file */
	if (fixture->format == GO_FIXTURE_1_20)
		go_fixture_word(fixture, function->start_line);
	go_fixture_put(fixture, tail, sizeof(tail));
	if (!function->inlined)
		return;
	go_fixture_word(fixture, 0);
	go_fixture_word(fixture, 0);
	go_fixture_word(fixture, go_fixture_offset(fixture, function->inlined, fixture->values));
	if (go_fixture_is_wide(fixture))
		go_fixture_align(fixture);
	for (uint8_t i = 0; i < func_data; i++) {
		bool is_tree = i + 1 == func_data;

		if (go_fixture_is_wide(fixture))
			go_fixture_long(fixture,
					is_tree ? GO_FIXTURE_VADDR + GO_FIXTURE_FUNC_DATA + 8 : 0);
		else
			go_fixture_word(fixture, is_tree ? 8 : UINT32_MAX);
	}
}

static inline void go_fixture_call(struct go_fixture *fixture, size_t name, uint32_t parent_pc,
				   uint32_t start_line)
{
	uint32_t offset = go_fixture_offset(fixture, name, fixture->names);
	uint32_t wide[] = {0xffff, 0, 0, offset, parent_pc};
	uint32_t narrow[] = {0, offset, parent_pc, start_line};

	if (fixture->format == GO_FIXTURE_1_20)
		go_fixture_put(fixture, narrow, sizeof(narrow));
	else
		go_fixture_put(fixture, wide, sizeof(wide));
}

static inline void go_fixture_functab(struct go_fixture *fixture)
{
	size_t base = fixture->format == GO_FIXTURE_1_2 ? GO_FIXTURE_TABLE : fixture->functab;

	fixture->at = fixture->functab;
	for (size_t i = 0; i <= GO_FIXTURE_FUNCTIONS; i++) {
		size_t record = i < GO_FIXTURE_FUNCTIONS ? fixture->records[i] - base : 0;

		if (go_fixture_is_wide(fixture)) {
			go_fixture_long(fixture, GO_FIXTURE_TEXT + i * 0x100);
			if (i < GO_FIXTURE_FUNCTIONS)
				go_fixture_long(fixture, record);
		} else {
			go_fixture_word(fixture, (uint32_t)i * 0x100);
			if (i < GO_FIXTURE_FUNCTIONS)
				go_fixture_word(fixture, (uint32_t)record);
		}
	}
	if (fixture->format == GO_FIXTURE_1_2)
		go_fixture_word(fixture, (uint32_t)(fixture->units - GO_FIXTURE_TABLE));
}

static inline void go_fixture_header(struct go_fixture *fixture)
{
	static const uint32_t magics[] = {0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1};
	static const unsigned char rest[] = {0, 0, 1, 8};
	const size_t parts[] = {fixture->names, fixture->units, fixture->files, fixture->values,
				fixture->functab};

	fixture->at = GO_FIXTURE_TABLE;
	go_fixture_word(fixture, magics[fixture->format]);
	go_fixture_put(fixture, rest, sizeof(rest));
	go_fixture_long(fixture, GO_FIXTURE_FUNCTIONS);
	if (fixture->format == GO_FIXTURE_1_2)
		return;
	go_fixture_long(fixture, 2);
	if (fixture->format >= GO_FIXTURE_1_18)
		go_fixture_long(fixture, GO_FIXTURE_TEXT);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		go_fixture_long(fixture, parts[i] - GO_FIXTURE_TABLE);
}

static inline void go_fixture_elf(struct go_fixture *fixture)
{
	const Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = GO_FIXTURE_VADDR,
		.p_filesz = GO_FIXTURE_SIZE,
		.p_memsz = 0x2000,
		.p_align = 0x1000,
	};

	fixture->at = 0;
	go_fixture_put(fixture, &header, sizeof(header));
	go_fixture_put(fixture, &segment, sizeof(segment));
}

static inline void go_fixture_init(struct go_fixture *fixture, enum go_fixture_format format)
{
	static const uint8_t wrappers[] = {22, 22, 21, 22};
	static const int plain_lines[][2] = {{10, 63}},
			 outer_lines[][2] = {{20, 16}, {30, 4}, {40, 4}, {30, 8}, {21, 32}},
			 last_lines[][2] = {{1, 63}};
	static const int first_file[][2] = {{1, 63}},
			 outer_files[][2] = {{1, 16}, {2, 16}, {1, 32}},
			 third_file[][2] = {{3, 63}};
	static const int inlined[][2] = {{-1, 16}, {0, 4}, {1, 4}, {0, 8}, {-1, 32}};
	struct go_fixture_function plain = {.start_line = 9}, outer = {.start_line = 19},
				   last = {.id = wrappers[format]};
	size_t inner, deep, paths[3];

	memset(fixture, 0, sizeof(*fixture));
	fixture->format = format;
	fixture->at = GO_FIXTURE_TABLE + 0x80;
#define PUT_STRING(text) go_fixture_put(fixture, text, sizeof(text))
	fixture->functab = GO_FIXTURE_TABLE + 16;
	/* The name of which the oldest format would say that there is none. */
	fixture->names = plain.name = PUT_STRING("main.plain");
	outer.name = PUT_STRING("main.outer[go.shape.int]");
	inner = PUT_STRING("main.inner");
	deep = PUT_STRING("main.deep");
	last.name = PUT_STRING("main.last");
	go_fixture_align(fixture);
	fixture->units = fixture->at;
	/* Numbers start at 1; later formats add the unit's first one, which is 1, too. */
	go_fixture_word(fixture, 4);
	if (format != GO_FIXTURE_1_2)
		go_fixture_word(fixture, UINT32_MAX);
	for (size_t i = 0; i < 3; i++)
		go_fixture_word(fixture, 0);
	fixture->files = fixture->at;
	paths[0] = PUT_STRING("/src/a.go");
	paths[1] = PUT_STRING("/src/b.go");
	paths[2] = PUT_STRING("<autogenerated>");
	for (size_t i = 0; i < 3; i++) {
		uint32_t path = go_fixture_offset(fixture, paths[i], fixture->files);
		size_t unit = i + (format == GO_FIXTURE_1_2 ? 1 : 2);

		memcpy(fixture->bytes + fixture->units + unit * sizeof(path), &path, sizeof(path));
	}
	fixture->values = fixture->at;
	PUT_STRING("");
#undef PUT_STRING
#define PUT_VALUES(pairs) go_fixture_values(fixture, pairs, sizeof(pairs) / sizeof(*pairs))
	plain.files = PUT_VALUES(first_file);
	plain.lines = PUT_VALUES(plain_lines);
	outer.files = PUT_VALUES(outer_files);
	outer.lines = PUT_VALUES(outer_lines);
	outer.inlined = PUT_VALUES(inlined);
	last.files = PUT_VALUES(third_file);
	last.lines = PUT_VALUES(last_lines);
#undef PUT_VALUES
	go_fixture_align(fixture);
	if (format != GO_FIXTURE_1_2) {
		fixture->functab = fixture->at;
		fixture->at += 0x80;
	}
	go_fixture_record(fixture, 0, &plain);
	go_fixture_record(fixture, 1, &outer);
	go_fixture_record(fixture, 2, &last);
	go_fixture_functab(fixture);
	fixture->at = GO_FIXTURE_FUNC_DATA + 8;
	go_fixture_call(fixture, inner, 0x08, 29);
	go_fixture_call(fixture, deep, 0x12, 39);
	go_fixture_header(fixture);
	go_fixture_elf(fixture);
}

#endif
