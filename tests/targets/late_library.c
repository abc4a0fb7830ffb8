/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waits below a library that was loaded late: after `go` it opens zlib and compresses, again and
 * again, with an allocator of its own that sleeps. So the stack of each wait leads from
 * clock_nanosleep through this program, through zlib, and back into this program.
 */
#include "target.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* zlib.h, without asking for its development package; the layout is part of its ABI. */
struct z_stream {
	const unsigned char *next_in;
	unsigned int avail_in;
	unsigned long total_in;
	unsigned char *next_out;
	unsigned int avail_out;
	unsigned long total_out;
	const char *msg;
	void *state;
	void *(*zalloc)(void *opaque, unsigned int items, unsigned int size);
	void (*zfree)(void *opaque, void *address);
	void *opaque;
	int data_type;
	unsigned long adler;
	unsigned long reserved;
};

typedef int deflate_init(struct z_stream *, int level, const char *version, int size);
typedef int deflate_end(struct z_stream *);

static uint64_t count = 100;
static uint64_t ms = 5;
static uint64_t waits;

TARGET_FRAME static void *allocate_slowly(void *opaque, unsigned int items, unsigned int size)
{
	const struct timespec time = {.tv_nsec = (long)(ms * 1000000)};
	uint64_t switches = target_switches();

	/* The first of several in each call: it is the one with the work area. */
	if (!*(bool *)opaque) {
		*(bool *)opaque = true;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
		waits += target_switches() != switches;
	}
	return calloc(items, size);
}

static void release(void *opaque, void *address)
{
	(void)opaque;
	free(address);
}

TARGET_FRAME static void compress_slowly(deflate_init *init, deflate_end *end)
{
	struct z_stream stream = {.zalloc = allocate_slowly, .zfree = release};
	bool slept = false;

	stream.opaque = &slept;
	if (init(&stream, 6, "1", sizeof(stream)))
		target_die("deflateInit_: %s", stream.msg ? stream.msg : "?");
	end(&stream);
	target_keep_frame();
}

static void work(void)
{
	void *library = dlopen("libz.so.1", RTLD_NOW);
	deflate_init *init = library ? (deflate_init *)dlsym(library, "deflateInit_") : NULL;
	deflate_end *end = library ? (deflate_end *)dlsym(library, "deflateEnd") : NULL;

	if (!init || !end)
		target_die("libz.so.1: %s", dlerror());
	for (uint64_t i = 0; i < count; i++)
		compress_slowly(init, end);
	target_done();
}

static void report(void)
{
	target_print("waits", waits);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"count", &count}, {"ms", &ms}};

	target_start(argc, argv, options, sizeof(options) / sizeof(*options));
	target_on_report(report);
	target_print("threads", 0);
	target_ready();
	for (;;) {
		switch (target_next(-1)) {
		case TARGET_QUIT:
			target_finish();
		case TARGET_GO:
			work();
			break;
		default:
			break;
		}
	}
}
