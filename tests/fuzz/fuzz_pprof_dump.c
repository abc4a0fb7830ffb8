// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "dump_check.h"
#include "fuzz.h"
#include "input/pprof_dump.h"

/* Unpacked: behind gzip's checksum nothing could be found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(dump) struct dump *dump = NULL;
	struct error error = {0};
	int err = pprof_dump_parse(data, size, &dump, &error);

	FUZZ_REQUIRE(err == 0 || err == -EBADMSG || err == -E2BIG);
	FUZZ_REQUIRE((err == 0) == (dump != NULL));
	FUZZ_REQUIRE(err == 0 || strlen(error.text) > 0);
	if (dump)
		dump_check(dump);
	return 0;
}
