// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "symbols/demangle.h"

enum {
	NAME_SIZE = 512
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *name = strndup((const char *)data, size);
	autofree char *text = NULL;

	if (name && demangle(name, NAME_SIZE, &text) == 0)
		FUZZ_REQUIRE(strlen(text) < NAME_SIZE);
	return 0;
}
