/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_INPUT_RECORDING_START_H
#define PARKSCOPE_INPUT_RECORDING_START_H

#include <jansson.h>

#include "base/error.h"
#include "model/recording.h"

/* The first line of a recording. -EBADMSG: it is that of something else, or of a newer format. */
int recording_start_read(json_t *line, struct recording_start *start, struct error *error);

#endif
