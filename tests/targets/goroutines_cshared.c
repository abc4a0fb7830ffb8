/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A C program that runs goroutines of a library in Go, which stands beside it. The library takes
 * the program's arguments from the C library and serves the protocol of README.md.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void fail(const char *reason)
{
	fprintf(stderr, "goroutines-cshared: %s\n", reason);
	_exit(1);
}

int main(void)
{
	char program[PATH_MAX], path[PATH_MAX + sizeof("/libgoroutines.so")];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	void (*run)(void);
	void *library;

	if (length < 0)
		fail("/proc/self/exe cannot be read");
	program[length] = '\0';
	snprintf(path, sizeof(path), "%s/libgoroutines.so", dirname(program));
	library = dlopen(path, RTLD_NOW);
	if (!library)
		fail(dlerror());
	*(void **)&run = dlsym(library, "GoroutinesRun");
	if (!run)
		fail(dlerror());
	run();
	return 0;
}
