// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A whole ELF file through unwind_table_load_memory(); what a table promises must hold. */
#include <stdint.h>
#include <stdlib.h>

#include "unwind/unwind_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool alike(const struct unwind_row *a, const struct unwind_row *b)
{
	return a->rules == b->rules && a->offset == b->offset && a->bp_slot == b->bp_slot;
}

static void check_rows(const struct unwind_table *table)
{
	size_t count;
	const struct unwind_row *rows = unwind_table_rows(table, &count);

	require(!unwind_table_has_cfi(table) || count > 0);
	for (size_t i = 0; i < count; i++) {
		uint64_t vaddr = unwind_table_base(table) + rows[i].pc;

		require((rows[i].rules & 15) <= UNWIND_CFA_UNSUPPORTED);
		require(rows[i].rules >> 4 <= UNWIND_BP_UNKNOWN);
		require(unwind_table_find(table, vaddr) == &rows[i]);
		if (i > 0)
			require(rows[i].pc > rows[i - 1].pc && !alike(&rows[i], &rows[i - 1]));
	}
	require(count == 0 || rows[count - 1].rules == UNWIND_CFA_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unwind_table *table = NULL;
	uint64_t vaddr;

	if (unwind_table_load_memory(data, size, &table, NULL) < 0) {
		require(!table);
		return 0;
	}
	check_rows(table);
	unwind_table_vaddr(table, size / 2, &vaddr);
	unwind_table_is_go(table);
	unwind_table_free(table);
	return 0;
}
