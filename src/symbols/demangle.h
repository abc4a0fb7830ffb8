/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_DEMANGLE_H
#define PARKSCOPE_SYMBOLS_DEMANGLE_H

/*
 * C++ (Itanium) and Rust (legacy and v0) symbols as people wrote them.
 *
 * By libiberty, because it hands its output over piece by piece and can be left in
 * the middle: a name of a hundred bytes can stand for terabytes. __cxa_demangle()
 * of libstdc++ is the same code for C++, but builds the whole name in memory
 * first, and it does not know Rust.
 *
 * What is printed is what perf(1) prints: C++ functions without parameters and
 * return type, legacy Rust names without their "::h…" hash. A suffix that the
 * compiler added to a C++ name (".cold", ".isra.0") and a symbol's version
 * ("@@GLIBCXX_3.4") stay, raw; those of Rust names go.
 */

#include <stddef.h>

enum {
	/*
	 * Bytes of a mangled name. libiberty refuses C++ names whose parts would need
	 * more of the stack than this length does (DEMANGLE_RECURSION_LIMIT, two parts
	 * a byte), and its depth is bounded by the same number.
	 */
	DEMANGLE_NAME_MAX = 1024,
};

/*
 * Returns 0 and a name that the caller frees, of at most `size` bytes with its NUL
 * (at least 1): what does not fit is cut. -EINVAL for what is no mangled name, is
 * damaged or too long: print it as it is. -ENOMEM.
 */
int demangle(const char *name, size_t size, char **out);

#endif
