// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/run_id.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

int run_id_make(char run_id[17])
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return -errno;
	snprintf(run_id, 17, "%016" PRIx64, bits);
	return 0;
}
