/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BASE_CLEANUP_H
#define PARKSCOPE_BASE_CLEANUP_H

/*
 * Cleanup by scope, the one way this code base releases things. A variable
 * marked autofree, autoclose or auto_free(x) is released when it goes out of
 * scope; take_ptr() and take_fd() hand it to somebody else instead.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

/* Defines name_freep(), so that auto_free(name) can mark a `struct name *`. */
#define define_auto_free(name)                                \
	static inline void name##_freep(struct name **object) \
	{                                                     \
		name##_free(*object);                         \
	}
#define auto_free(name) cleanup(name##_freep)

static inline void cleanup_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define autofree     cleanup(cleanup_freep)
#define autoclose    cleanup(cleanup_closep)
#define autofclose   cleanup(cleanup_fclosep)
#define autoclosedir cleanup(cleanup_closedirp)

#define take_ptr(pointer)                       \
	__extension__({                         \
		__auto_type taken_ = (pointer); \
		(pointer) = NULL;               \
		taken_;                         \
	})

#define take_fd(fd)                \
	__extension__({            \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#endif
