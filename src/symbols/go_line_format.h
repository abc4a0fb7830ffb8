/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_LINE_FORMAT_H
#define PARKSCOPE_SYMBOLS_GO_LINE_FORMAT_H

/*
 * The formats of Go's line table, and its header. The sources of all numbers are, in Go's
 * repository, src/debug/gosym/pclntab.go, src/cmd/link/internal/ld/pcln.go and, in
 * src/runtime of the versions named, the structs pcHeader, _func and inlinedCall and the
 * constants of symtab.go (later src/internal/abi/symtab.go). 64-bit, this machine's byte order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Bytes of the longest header. */
	GO_LINE_HEADER_SIZE = 72,
	/* Functions of one file; the largest programs have some 100 thousand. */
	GO_FUNCTIONS_MAX = 1 << 20,
	/* PCDATA_InlTreeIndex, the same in all versions that have it. */
	GO_PC_DATA_INLINE = 2,
};

/* What differs between the formats. Offsets count from the start of a struct _func. */
struct go_line_format {
	uint32_t magic;
	uint8_t address_size; /* in functab: 8: absolute; 4: from runtime.text */
	uint8_t name;         /* nameoff; pcfile, pcln and npcdata follow it at fixed distances */
	uint8_t unit;         /* cuOffset; 0: files are numbered across the program */
	uint8_t start_line;   /* 0: none */
	uint8_t id;           /* funcID; nfuncdata is 3 bytes behind it */
	uint8_t size;         /* of the fixed part, behind which pcdata and funcdata stand */
	uint8_t inline_tree;  /* FUNCDATA_InlTree */
	uint8_t call_size;    /* of struct inlinedCall */
	uint8_t call_id;      /* its funcID */
	uint8_t call_name;    /* its nameoff */
	uint8_t call_parent;  /* its parentPc */
	uint8_t call_line;    /* its startLine; 0: none */
	uint8_t wrapper;      /* funcID_wrapper; 0: differs between versions */
	bool shape_names;     /* generic functions bear their types: "main.f[go.shape.int]" */
};

/* The header, checked. Parts of the table are offsets from its start, in this order. */
struct go_line_header {
	const struct go_line_format *format;
	uint8_t quantum; /* bytes that a program counter is a multiple of */
	uint64_t functions;
	uint64_t text;         /* runtime.text, 0: not said */
	uint64_t names;        /* funcnametab */
	uint64_t units;        /* cutab; up to Go 1.15 the file table */
	uint64_t files;        /* filetab; up to Go 1.15 all of the table */
	uint64_t pc_values;    /* pctab */
	uint64_t function_tab; /* functab, and what its offsets count from: */
	uint64_t function_base;
	uint64_t unit_count; /* words in `units` */
};

/* Whether the bytes, GO_LINE_HEADER_SIZE at least, can start a table. */
bool go_line_format_matches(const unsigned char *bytes);

/*
 * Takes the header of a table of at most `size` bytes apart; false where it is none of a
 * known format, or not valid in all its fields. Up to Go 1.15 `units` and `unit_count`
 * are not in the header and stay 0.
 */
bool go_line_header_parse(const unsigned char bytes[GO_LINE_HEADER_SIZE], uint64_t size,
			  struct go_line_header *header);

/* Bytes of the functions' index, with the address at its end. */
uint64_t go_line_header_functab_size(const struct go_line_header *header);

#endif
