/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

static uint64_t seconds;
static uint64_t autogo;
static uint64_t use_stdin = 1;
static uint64_t exit_when_done;

static const struct target_option common_options[] = {
	{"seconds", &seconds},
	{"autogo", &autogo},
	{"stdin", &use_stdin},
	{"exit_when_done", &exit_when_done},
};

static int terminated_fd = -1;
static int notified_fd = -1;
static uint64_t end_ns = UINT64_MAX;
static bool is_done;
static void (*print_counters)(void);
static void (*clean_up_at_end)(void);

void target_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	fflush(NULL);
	_exit(1);
}

uint64_t target_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

pid_t target_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

uint64_t target_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

static bool option_set(const struct target_option *options, size_t count, const char *argument)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(options[i].name);
		char *end;

		if (strncmp(argument, options[i].name, length) != 0 || argument[length] != '=')
			continue;
		errno = 0;
		*options[i].value = strtoull(argument + length + 1, &end, 10);
		if (errno || end == argument + length + 1 || *end)
			target_die("not a number: %s", argument);
		return true;
	}
	return false;
}

void target_start(int argc, char **argv, const struct target_option *options, size_t count)
{
	sigset_t termination;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (!option_set(options, count, argv[i]) &&
		    !option_set(common_options, sizeof(common_options) / sizeof(*common_options),
				argv[i]))
			target_die("unknown argument: %s", argv[i]);
	}
	if (seconds)
		end_ns = target_now_ns() + seconds * NS_PER_S;

	sigemptyset(&termination);
	sigaddset(&termination, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &termination, NULL);
	terminated_fd = signalfd(-1, &termination, SFD_CLOEXEC);
	notified_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (terminated_fd < 0 || notified_fd < 0)
		target_die("signalfd or eventfd: %m");
	target_print("pid", (uint64_t)getpid());
}

void target_on_report(void (*report)(void))
{
	print_counters = report;
}

void target_on_finish(void (*clean_up)(void))
{
	clean_up_at_end = clean_up;
}

void target_execute_again(char **argv)
{
	char path[4096];
	ssize_t length;

	fflush(stdout);
	/* By its real path, so that the name of the process stays what it was. */
	length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (length < 0)
		target_die("/proc/self/exe: %m");
	path[length] = '\0';
	execv(path, argv);
	target_die("execv: %m");
}

void target_print(const char *key, uint64_t value)
{
	printf("%s=%" PRIu64 "\n", key, value);
}

void target_unsupported(const char *kind)
{
	printf("unsupported=%s\n", kind);
}

void target_ready(void)
{
	puts("ready");
}

void target_done(void)
{
	is_done = true;
	puts("done=1");
}

static void print_report(void)
{
	target_print("monotonic_ns", target_now_ns());
	if (print_counters)
		print_counters();
	puts("end");
}

void target_finish(void)
{
	puts("final=1");
	print_report();
	fflush(NULL);
	if (clean_up_at_end)
		clean_up_at_end();
	_exit(0);
}

void target_stand(void)
{
	while (target_next(-1) != TARGET_QUIT)
		;
	target_finish();
}

void target_notify(void)
{
	uint64_t one = 1;

	if (write(notified_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		target_die("eventfd write: %m");
}

/*
 * One byte at a time, so that whatever follows a line stays in the pipe: churn executes itself
 * again and the new image must find it.
 */
static bool read_line(char *line, size_t size)
{
	size_t used = 0;

	for (;;) {
		char byte;
		ssize_t got = read(STDIN_FILENO, &byte, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (byte == '\n')
			break;
		if (used + 1 < size)
			line[used++] = byte;
	}
	line[used] = '\0';
	return true;
}

/* Returns false for a command that was served here. */
static bool take_command(enum target_event *event)
{
	char line[64];

	if (!read_line(line, sizeof(line)) || !strcmp(line, "quit"))
		*event = TARGET_QUIT;
	else if (!strcmp(line, "go"))
		*event = TARGET_GO;
	else if (!strcmp(line, "stop"))
		*event = TARGET_STOP;
	else if (!strcmp(line, "report"))
		return print_report(), false;
	else
		target_die("unknown command: %s", line);
	return true;
}

enum target_event target_next(int64_t deadline_ns)
{
	struct pollfd polled[] = {
		{.fd = terminated_fd, .events = POLLIN},
		{.fd = notified_fd, .events = POLLIN},
		{.fd = use_stdin ? STDIN_FILENO : -1, .events = POLLIN},
	};
	uint64_t wake_ns = deadline_ns < 0 ? UINT64_MAX : (uint64_t)deadline_ns;

	if (autogo) {
		autogo = 0;
		return TARGET_GO;
	}
	if (wake_ns > end_ns)
		wake_ns = end_ns;
	for (;;) {
		uint64_t now_ns = target_now_ns();
		uint64_t left_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
		struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
					.tv_nsec = (long)(left_ns % NS_PER_S)};
		enum target_event event;
		uint64_t ignored;
		int ready;

		if ((is_done && exit_when_done) || now_ns >= end_ns)
			return TARGET_QUIT;
		ready = ppoll(polled, 3, wake_ns == UINT64_MAX ? NULL : &left, NULL);
		if (ready < 0 && errno != EINTR)
			target_die("ppoll: %m");
		if (ready < 0)
			continue;
		if (polled[0].revents)
			return TARGET_QUIT;
		if (polled[1].revents && read(notified_fd, &ignored, sizeof(ignored)) > 0)
			return TARGET_NOTIFIED;
		if (polled[2].revents && take_command(&event))
			return event;
		if (ready == 0)
			return target_now_ns() >= end_ns ? TARGET_QUIT : TARGET_TIMEOUT;
	}
}

TARGET_FRAME void target_call_below(uint64_t frames, void *(*call)(void *), void *argument)
{
	if (frames)
		target_call_below(frames - 1, call, argument);
	else
		call(argument);
	target_keep_frame();
}

struct thread_start {
	const char *name;
	void *(*run)(void *);
	void *argument;
	_Atomic pid_t tid;
};

static void *thread_main(void *argument)
{
	struct thread_start *start = argument;
	void *(*run)(void *) = start->run;
	void *run_argument = start->argument;
	char name[16];

	snprintf(name, sizeof(name), "%s", start->name);
	prctl(PR_SET_NAME, name);
	/* The creator's frame, and `start` with it, may be gone after this store. */
	atomic_store(&start->tid, target_gettid());
	return run(run_argument);
}

pid_t target_thread(const char *name, size_t stack_bytes, pthread_t *thread, void *(*run)(void *),
		    void *argument)
{
	struct thread_start start = {.name = name, .run = run, .argument = argument};
	pthread_attr_t attributes;
	pthread_t own;
	pid_t tid;
	int failed;

	pthread_attr_init(&attributes);
	if (stack_bytes)
		pthread_attr_setstacksize(&attributes, stack_bytes);
	if (!thread)
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(thread ? thread : &own, &attributes, thread_main, &start);
	pthread_attr_destroy(&attributes);
	if (failed)
		target_die("pthread_create %s: %s", name, strerror(failed));
	while (!(tid = atomic_load(&start.tid)))
		sched_yield();
	return tid;
}

static ssize_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, size - 1);
	close(fd);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

char target_task_state(pid_t pid, pid_t tid)
{
	char path[64], text[512];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (read_text(path, text, sizeof(text)) <= 0)
		return 0;
	/* The name may hold brackets and blanks; the last bracket ends it. */
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

bool target_is_parked(pid_t tid, uint64_t number, uint64_t first)
{
	char path[64], text[256];
	unsigned long long argument;
	long long found;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	if (read_text(path, text, sizeof(text)) < 0) {
		/* Without this file nothing can be proved; without this thread nothing sleeps. */
		if (errno != ENOENT && errno != ESRCH)
			target_die("%s: %m", path);
		return false;
	}
	/* "running", or "-1 SP PC" for a block outside a system call. */
	if (sscanf(text, "%lld 0x%llx", &found, &argument) != 2 || found < 0)
		return false;
	return (number == TARGET_ANY || (uint64_t)found == number) &&
	       (first == TARGET_ANY || argument == first);
}

void target_wait_parked(pid_t tid, uint64_t number, uint64_t first)
{
	const struct timespec pause = {.tv_nsec = 50000};
	uint64_t limit_ns = target_now_ns() + 60 * NS_PER_S;

	for (unsigned int tries = 0;; tries++) {
		if (target_is_parked(tid, number, first)) {
			char state = target_task_state(getpid(), tid);

			if (state == 'S' || state == 'D')
				return;
		}
		if (tries % 100 == 99) {
			if (!target_task_state(getpid(), tid))
				target_die("thread %d is gone, or /proc is missing", tid);
			if (target_now_ns() > limit_ns)
				target_die("thread %d does not sleep as it should", tid);
		}
		if (tries < 200)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
}

void target_gate_init(struct target_gate *gate)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		target_die("pipe: %m");
	gate->read_end = ends[0];
	gate->write_end = ends[1];
}

void target_gate_pass(const struct target_gate *gate)
{
	char byte;

	while (read(gate->read_end, &byte, 1) < 0 && errno == EINTR)
		;
}

void target_gate_open(struct target_gate *gate)
{
	if (gate->write_end >= 0)
		close(gate->write_end);
	gate->write_end = -1;
}

void target_gate_wait_held(const struct target_gate *gate, pid_t tid)
{
	target_wait_parked(tid, SYS_read, (uint64_t)gate->read_end);
}

void target_child_setup(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
}

long target_futex_wait(uint32_t *word, uint32_t expected)
{
	long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);

	return result < 0 ? -errno : result;
}

long target_futex_wake(uint32_t *word, int count)
{
	long result = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);

	return result < 0 ? -errno : result;
}
