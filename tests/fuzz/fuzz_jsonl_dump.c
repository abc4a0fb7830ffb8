// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "dump_check.h"
#include "fuzz.h"
#include "input/jsonl_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(dump) struct dump *dump = NULL;
	struct error error = {0};
	FILE *file;
	int err;

	if (!size)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_REQUIRE(file);
	err = jsonl_dump_read(file, &dump, &error);
	fclose(file);
	FUZZ_REQUIRE(err == 0 || err == -EBADMSG || err == -E2BIG);
	FUZZ_REQUIRE((err == 0) == (dump != NULL));
	FUZZ_REQUIRE(err == 0 || strlen(error.text) > 0);
	if (dump)
		dump_check(dump);
	return 0;
}
