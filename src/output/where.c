// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/where.h"

#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* File names of glibc, musl, their loaders and the C++ runtimes, in all their versions. */
static bool is_runtime_module(const char *module)
{
	static const char *const prefixes[] = {
		"libc.so",  "libc-2.",   "libpthread.so", "libpthread-2.", "librt.so",
		"librt-2.", "ld-linux",  "ld-2.",         "ld64.so",       "ld.so",
		"ld-musl",  "libc.musl", "libstdc++.so",  "libc++.so",     "libc++abi.so",
		"libgcc_s", "[vdso]",    "linux-vdso",    "libanl.so",     "libdl.so",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (starts_with(module, prefixes[i]))
			return true;
	return false;
}

/* The same code linked statically has the program's module: only names tell. */
static bool is_wrapper_function(const char *function)
{
	static const char *const prefixes[] = {
		"__GI_",
		"__libc_",
		"__futex_",
		"__pthread_",
		"pthread_cond_",
		"pthread_mutex_",
		"pthread_rwlock_",
		"pthread_join",
		"pthread_timedjoin",
		"pthread_create",
		"pthread_barrier_",
		"__lll_",
		"___pthread_",
		"__new_sem_",
		"__syscall",
		"std::condition_variable::",
		"std::thread::_M_",
		"std::mutex::",
	};
	static const char *const names[] = {
		"accept",
		"accept4",
		"clock_nanosleep",
		"clone",
		"clone3",
		"__clone",
		"__clone3",
		"__clone_internal",
		"connect",
		"create_thread",
		"epoll_pwait",
		"epoll_wait",
		"fdatasync",
		"flock",
		"fsync",
		"futex_wait",
		"futex_wait_cancelable",
		"lll_lock_wait",
		"msgrcv",
		"nanosleep",
		"__nanosleep",
		"__clock_nanosleep",
		"pause",
		"poll",
		"__poll",
		"ppoll",
		"pread64",
		"pselect",
		"pwrite64",
		"read",
		"__read",
		"readv",
		"recv",
		"recvfrom",
		"recvmsg",
		"select",
		"__select",
		"sem_timedwait",
		"sem_wait",
		"semop",
		"semtimedop",
		"send",
		"sendmsg",
		"sendto",
		"sigsuspend",
		"sigtimedwait",
		"sigwait",
		"sigwaitinfo",
		"sleep",
		"__sleep",
		"start_thread",
		"syscall",
		"thrd_join",
		"thrd_sleep",
		"usleep",
		"wait",
		"wait4",
		"waitid",
		"waitpid",
		"__wait4",
		"write",
		"__write",
		"writev",
		"do_futex_wait",
		"__read_nocancel",
		"__write_nocancel",
		"cnd_wait",
		"cnd_timedwait",
		"mtx_lock",
		"internal_syscall_cancel",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (starts_with(function, prefixes[i]))
			return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(function, names[i]) == 0)
			return true;
	return false;
}

/*
 * Packages of Go that only wait for what an application's function waits for. Names of Go functions
 * begin with the whole import path, so none of an application's begins like this.
 */
static bool is_go_park_function(const char *function)
{
	static const char *const prefixes[] = {
		"runtime.",       "runtime/internal/", "internal/runtime/",
		"internal/poll.", "internal/sync.",    "internal/syscall/",
		"sync.",          "syscall.",          "golang.org/x/sys/unix.",
		"time.Sleep",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (starts_with(function, prefixes[i]))
			return true;
	return false;
}

/* Packages of Go through which connections and files are read. */
static bool is_go_io_function(const char *function)
{
	static const char *const prefixes[] = {"net.", "os.", "io.", "bufio."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (starts_with(function, prefixes[i]))
			return true;
	return false;
}

/* What cgo makes: "_cgo_7df7bce4f389_Cfunc_pause" in C, "main._Cfunc_pause" in Go. */
static bool is_cgo_stub(const char *function)
{
	return starts_with(function, "_cgo_") || strstr(function, "._Cfunc_");
}

static bool is_application_frame(const struct frame *frame)
{
	if (frame->kind != FRAME_USER || (!frame->function && !frame->module))
		return false;
	if (frame->module && is_runtime_module(frame->module))
		return false;
	return !frame->function ||
	       (!is_wrapper_function(frame->function) && !is_go_park_function(frame->function) &&
		!is_cgo_stub(frame->function));
}

size_t where_frame(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (is_application_frame(&stack->frames[i]) && !stack->frames[i].guess &&
		    !(stack->frames[i].function && is_go_io_function(stack->frames[i].function)))
			return i;
	/* A guess only where there is nothing better: it prints as one. */
	for (size_t i = 0; i < stack->count; i++)
		if (is_application_frame(&stack->frames[i]) && !stack->frames[i].guess)
			return i;
	for (size_t i = 0; i < stack->count; i++)
		if (is_application_frame(&stack->frames[i]))
			return i;
	for (size_t i = 0; i < stack->count; i++)
		if (stack->frames[i].kind == FRAME_USER && stack->frames[i].function)
			return i;
	for (size_t i = 0; i < stack->count; i++)
		if (stack->frames[i].kind != FRAME_KERNEL && stack->frames[i].kind != FRAME_INLINED)
			return i;
	return 0;
}
