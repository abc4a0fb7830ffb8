/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every program to trace shares: the protocol on stdin and stdout (README.md), and proof that
 * a thread really sleeps. Programs are single files; any failure here ends the program with a line
 * on stderr and status 1, because a target that guesses is worse than none.
 *
 * Only the main thread may call functions that print or read commands.
 */
#ifndef TESTS_TARGETS_TARGET_H
#define TESTS_TARGETS_TARGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that must stay a frame of its own under its own name in every build. */
#if defined(__clang__)
#define TARGET_FRAME __attribute__((noinline))
#else
#define TARGET_FRAME __attribute__((noinline, noclone))
#endif
/* After the last call of a function: keeps it from becoming a jump, which would drop the frame. */
#define target_keep_frame() __asm__ volatile("" ::: "memory")

#define TARGET_ANY UINT64_MAX

struct target_option {
	const char *name;
	uint64_t *value; /* holds the default */
};

enum target_event {
	TARGET_QUIT,     /* EOF, "quit", SIGTERM, or seconds=N are over */
	TARGET_GO,       /* "go", or autogo=1 (once) */
	TARGET_STOP,     /* "stop" */
	TARGET_NOTIFIED, /* target_notify() was called since */
	TARGET_TIMEOUT,  /* the deadline passed */
};

/*
 * Parses name=value arguments (the options given here, and the common ones: seconds, autogo,
 * stdin, exit_when_done), blocks SIGTERM for all later threads and prints pid=.
 */
void target_start(int argc, char **argv, const struct target_option *options, size_t count);

/* `report` prints the program's counters; it serves "report" and the final lines. */
void target_on_report(void (*report)(void));

/* `clean_up` runs once, after the final counters are printed: for children and the like. */
void target_on_finish(void (*clean_up)(void));

/* Prints "ready". */
void target_ready(void);

/* Prints "done=1"; with exit_when_done=1 the next target_next() says TARGET_QUIT. */
void target_done(void);

/*
 * Waits for the next event; serves "report" itself. `deadline_ns` is CLOCK_MONOTONIC, 0 returns at
 * once, negative waits for ever.
 */
enum target_event target_next(int64_t deadline_ns);

/* Makes target_next() return TARGET_NOTIFIED; from any thread. */
void target_notify(void);

/* Prints the final counters and ends the process with status 0, threads and all. */
void target_finish(void) __attribute__((noreturn));

/* The common life of a program whose threads only stand: until TARGET_QUIT, then finish. */
void target_stand(void) __attribute__((noreturn));

/* Executes the program again, under the name that it has. */
void target_execute_again(char **argv) __attribute__((noreturn));

void target_print(const char *key, uint64_t value);
void target_unsupported(const char *kind);
void target_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t target_now_ns(void);

pid_t target_gettid(void);

/* Voluntary context switches of the calling thread: one for each time it really blocked. */
uint64_t target_switches(void);

/*
 * Starts a thread called `name` (cut to 15 bytes) and returns its tid once it runs. `stack_bytes` 0
 * is the default. The thread is detached unless `thread` is given.
 */
pid_t target_thread(const char *name, size_t stack_bytes, pthread_t *thread, void *(*run)(void *),
		    void *argument);

/* Calls call(argument) below so many frames of a function of its own. */
void target_call_below(uint64_t frames, void *(*call)(void *), void *argument);

/*
 * Whether the thread sleeps in system call `number` with first argument `first` (either may be
 * TARGET_ANY). True means off the CPU: /proc/TID/syscall waits until the scheduler has taken the
 * thread off its queue, whereas the S of /proc/TID/stat is set before that.
 */
bool target_is_parked(pid_t tid, uint64_t number, uint64_t first);

/* Until target_is_parked() and its stat says S or D; the program fails after a minute. */
void target_wait_parked(pid_t tid, uint64_t number, uint64_t first);

/* State letter of a task of any process, 0 when it is gone. */
char target_task_state(pid_t pid, pid_t tid);

/*
 * A gate holds threads in read() of an empty pipe, so that waiting for the start adds no futex
 * wait to the counts. Opening it lets all of them pass, for good.
 */
struct target_gate {
	int read_end;
	int write_end;
};
void target_gate_init(struct target_gate *gate);
void target_gate_pass(const struct target_gate *gate);
void target_gate_open(struct target_gate *gate);
/* Until the thread is held by the gate. */
void target_gate_wait_held(const struct target_gate *gate, pid_t tid);

/* In a forked child: die with the parent, and hold none of its pipes to the test. */
void target_child_setup(pid_t parent);

/* FUTEX_WAIT or FUTEX_WAKE, private, as raw system calls: -errno or the result. */
long target_futex_wait(uint32_t *word, uint32_t expected);
long target_futex_wake(uint32_t *word, int count);

#ifdef __cplusplus
}
#endif
#endif
