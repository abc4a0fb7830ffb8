/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OPTION_VALUES_H
#define PARKSCOPE_OPTION_VALUES_H

#include <stddef.h>
#include <stdint.h>

/* What options take. All are -EINVAL for anything else, and leave the result untouched then. */

/* A whole decimal number without sign or blanks, at most `max`. */
int option_number(const char *text, uint64_t max, uint64_t *number);

/* "0.5" or "2", with or without "%": more than 0, at most `max`. */
int option_percent(const char *text, double max, double *percent);

/* "500ms", "5s", "2m", "1h", or seconds without a unit; at most 365 days. */
int option_duration(const char *text, uint64_t *ns);

/* "64M", "1G", "512K", with or without "iB", or bytes without a unit. */
int option_size(const char *text, size_t *bytes);

#endif
