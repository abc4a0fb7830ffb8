// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/run_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

int run_identity_make(struct run_identity *identity)
{
	struct run_identity made = {0};
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return -errno;
	snprintf(made.run_id, sizeof(made.run_id), "%016" PRIx64, bits);
	if (gethostname(made.hostname, sizeof(made.hostname) - 1))
		return -errno;
	*identity = made;
	return 0;
}
