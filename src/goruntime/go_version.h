/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_VERSION_H
#define PARKSCOPE_GORUNTIME_GO_VERSION_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GO_VERSION_SIZE = 64,
};

/* A release of Go, as its binaries name it: "go1.23.4", "go1.24rc1", "go1.22.0 X:rangefunc". */
struct go_version {
	uint32_t minor;   /* the 23 */
	uint32_t patch;   /* the 4; 0 where there is none */
	bool development; /* "devel go1.25-abcdef": layouts of it are not known by its number */
	char text[GO_VERSION_SIZE]; /* as it was, only printable ASCII, cut */
};

/* 0, or -EINVAL where it is no version of Go 1. */
int go_version_parse(const char *text, struct go_version *version);

#endif
