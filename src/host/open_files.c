// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/open_files.h"

#include <sys/resource.h>

void open_files_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}
