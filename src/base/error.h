/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BASE_ERROR_H
#define PARKSCOPE_BASE_ERROR_H

/*
 * An error with its context. Library code never prints and never exits: it
 * returns a negative errno and, where the caller passed a struct error, leaves
 * one sentence there that says what was wrong and, if known, what to do.
 *
 * The sentence has no trailing full stop and no newline. Each layer may put
 * its own context in front with error_prefix(). All functions accept NULL and
 * are safe to call from several threads on different objects.
 */

struct error {
	int code;       /* negative errno, 0 while nothing went wrong */
	char text[512]; /* one sentence, always terminated */
};

/* Sets the error and returns `code`, so that `return error_set(...)` reads well. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int code,
						    const char *format, ...);

/* Puts "<context>: " in front of the text that is there; returns the code. */
__attribute__((format(printf, 2, 3))) int error_prefix(struct error *error, const char *format,
						       ...);

#endif
