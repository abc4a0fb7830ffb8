/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_FORMAT_H
#define PARKSCOPE_OUTPUT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Numbers and times as people and log pipelines read them. */

#define FORMAT_NUMBER_SIZE 32
#define FORMAT_TIME_SIZE   40

/* "0", "1,234,567". */
void format_count(uint64_t count, char text[FORMAT_NUMBER_SIZE]);

/* Rounded down: "12us", "850ms", "12.1s", "4m10s", "3h2m", "5d3h". */
void format_duration(uint64_t duration_ns, char text[FORMAT_NUMBER_SIZE]);

/* The same in whole seconds: "4s", "4m10s". */
void format_seconds(double seconds, char text[FORMAT_NUMBER_SIZE]);

/* "512 B", "12.3 MiB". */
void format_bytes(uint64_t bytes, char text[FORMAT_NUMBER_SIZE]);

/* RFC 3339, UTC: "2026-01-31T23:59:59.123Z"; `decimals` of the second: 0 or 3. */
void format_time(int64_t wall_ns, int decimals, char text[FORMAT_TIME_SIZE]);

#endif
