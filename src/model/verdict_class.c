// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/verdict_class.h"

#include <stddef.h>
#include <string.h>

/*
 * Functions in which workers of well-known pools and services wait for work. Java's names stand
 * as Java writes them; perf maps have them in several ways (see next_character()). A name
 * matches from its beginning up to a character that cannot go on an identifier, so that arguments,
 * template parameters and Rust's hashes may follow. `module`: the name is too common alone.
 */
static const struct idle_frame {
	const char *function;
	const char *module; /* how its file name begins, or NULL */
	const char *within; /* stands somewhere in the function's name; NULL: nothing is asked */
} idle_frames[] = {
	/* Java: java.util.concurrent, and the servers' own pools */
	{"java.util.concurrent.ThreadPoolExecutor.getTask", NULL, NULL},
	{"java.util.concurrent.ThreadPoolExecutor$Worker.run", NULL, NULL},
	{"java.util.concurrent.ScheduledThreadPoolExecutor$DelayedWorkQueue.take", NULL, NULL},
	{"java.util.concurrent.ForkJoinPool.awaitWork", NULL, NULL},
	{"java.util.concurrent.ForkJoinPool.runWorker", NULL, NULL},
	{"java.util.TimerThread.mainLoop", NULL, NULL},
	{"io.netty.util.concurrent.SingleThreadEventExecutor.takeTask", NULL, NULL},
	{"org.eclipse.jetty.util.thread.QueuedThreadPool.idleJobPoll", NULL, NULL},
	{"org.apache.tomcat.util.threads.TaskQueue.take", NULL, NULL},
	/* the JVM's own threads: collectors and compilers */
	{"WorkerThread::run", "libjvm", NULL},
	{"GangWorker::run", "libjvm", NULL},
	{"CompileBroker::compiler_thread_loop", "libjvm", NULL},
	{"ConcurrentGCThread::run", "libjvm", NULL},
	{"WatcherThread::run", "libjvm", NULL},
	/* Python: concurrent.futures, as the perf trampoline names it */
	{"py::_worker", NULL, "concurrent/futures/"},
	/* C */
	{"g_thread_pool_thread_proxy", NULL, NULL},
	{"g_thread_pool_wait_for_new_task", NULL, NULL},
	{"gomp_thread_start", NULL, NULL},
	{"__kmp_launch_worker", NULL, NULL},
	{"blas_thread_server", NULL, NULL},
	{"ngx_thread_pool_cycle", NULL, NULL},
	{"ngx_thread_cond_wait", NULL, NULL},     /* is called there only, and not stripped */
	{"bioProcessBackgroundJobs", NULL, NULL}, /* Redis */
	{"IOThreadMain", NULL, NULL},             /* Redis: each at a lock until there is work */
	{"worker", "libuv", NULL},
	{"worker", "node", NULL}, /* has libuv inside */
	/* C++ */
	{"boost::asio::detail::scheduler::do_run_one", NULL, NULL},
	{"boost::asio::detail::posix_thread", NULL, NULL},
	{"folly::CPUThreadPoolExecutor::threadRun", NULL, NULL},
	{"grpc_core::Executor::ThreadMain", NULL, NULL},
	{"tbb::detail::r1::rml::private_worker::run", NULL, NULL},
	{"QThreadPoolThread::run", NULL, NULL},
	{"tpool::thread_pool_generic::wait_for_tasks", NULL, NULL}, /* MariaDB */
	{"Thread_cache::park", NULL, NULL}, /* MariaDB: idle connection threads */
	{"Per_thread_connection_handler::block_until_new_connection", NULL, NULL}, /* MySQL */
	{"v8::platform::DefaultWorkerThreadsTaskRunner::GetNext", NULL, NULL},
	{"node::(anonymous namespace)::PlatformWorkerThread", NULL, NULL},
	/* Rust */
	{"tokio::runtime::blocking::pool::Inner::run", NULL, NULL},
	{"rayon_core::sleep::Sleep::sleep", NULL, NULL},
	/* Go: one or two for each connection or database, as long as that lives */
	{"net/http.(*persistConn).readLoop", NULL, NULL},
	{"net/http.(*persistConn).writeLoop", NULL, NULL},
	{"database/sql.(*DB).connectionOpener", NULL, NULL},
	{"database/sql.(*DB).connectionCleaner", NULL, NULL},
	{"google.golang.org/grpc/internal/transport.(*controlBuffer).get", NULL, NULL},
	{"golang.org/x/net/http2.(*serverConn).serve", NULL, NULL},
	{"net/http.(*http2serverConn).serve", NULL, NULL},
	{"github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher", NULL, NULL},
	{"github.com/quic-go/quic-go.(*connection).run", NULL, NULL},
	{"github.com/quic-go/quic-go.(*Conn).run", NULL, NULL},
	/* Go: what comes from the network through another goroutine */
	{"net/http.(*persistConn).roundTrip", NULL, NULL},
	{"net/http.(*http2ClientConn).roundTrip", NULL, NULL},
	{"net/http.(*http2clientStream).doRequest", NULL, NULL},
	{"net/http.(*http2pipe).Read", NULL, NULL},
	{"golang.org/x/net/http2.(*ClientConn).roundTrip", NULL, NULL},
	{"golang.org/x/net/http2.(*clientStream).doRequest", NULL, NULL},
	{"golang.org/x/net/http2.(*pipe).Read", NULL, NULL},
	{"google.golang.org/grpc/internal/transport.(*recvBufferReader)", NULL, NULL},
	{"os/signal.loop", NULL, NULL},
};

/* Waits of threads and goroutines that end only when another unit of the process ends them. */
static const char *const untimed_thread_reasons[] = {"futex", "file_lock", "sysv_semaphore"};
static const char *const untimed_goroutine_reasons[] = {
	"chan_send",
	"chan_receive",
	"select",
	"chan_send_durable",
	"chan_receive_durable",
	"select_durable",
	"semacquire",
	"coroutine",
	"sync_cond_wait",
	"sync_mutex_lock",
	"sync_rwmutex_rlock",
	"sync_rwmutex_lock",
	"sync_waitgroup_wait",
	"sync_waitgroup_wait_durable",
};

/* Nobody can ever end these. */
static const char *const endless_reasons[] = {"chan_send_nil_chan", "chan_receive_nil_chan",
					      "select_no_cases"};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

#define is_in(text, list) is_one_of(text, list, sizeof(list) / sizeof((list)[0]))

static bool is(const struct verdict_subject *subject, const char *reason)
{
	size_t length = strlen(reason);

	/* "_durable": in a bubble of testing/synctest; the same wait. */
	return strncmp(subject->reason, reason, length) == 0 &&
	       (!subject->reason[length] || strcmp(subject->reason + length, "_durable") == 0);
}

/*
 * The next character of a name, with Java's separators as one: "java/util/Timer::run" and
 * "Ljava/util/Timer;::run" are java.util.Timer.run; so are C++'s and Go's, on both sides.
 */
static char next_character(const char **name)
{
	char c;

	while (**name == ';')
		(*name)++;
	c = **name;
	if (!c)
		return 0;
	(*name)++;
	if (c == ':' && **name == ':')
		(*name)++;
	return c == '/' || c == ':' ? '.' : c;
}

static bool goes_on_identifier(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$';
}

static bool name_begins_with(const char *name, const char *pattern)
{
	char expected;

	while ((expected = next_character(&pattern)))
		if (next_character(&name) != expected)
			return false;
	return !goes_on_identifier(next_character(&name));
}

static bool frame_is_idle(const struct frame *frame)
{
	const char *name = frame->function;
	const char *bare;

	if (!name || frame->kind == FRAME_KERNEL || frame->kind == FRAME_LABEL)
		return false;
	bare = name[0] == 'L' && strchr(name, ';') ? name + 1 : name;
	for (size_t i = 0; i < sizeof(idle_frames) / sizeof(idle_frames[0]); i++) {
		const struct idle_frame *idle = &idle_frames[i];

		if (idle->module && (!frame->module || strncmp(frame->module, idle->module,
							       strlen(idle->module)) != 0))
			continue;
		if (idle->within && !strstr(name, idle->within))
			continue;
		if (name_begins_with(bare, idle->function))
			return true;
	}
	return false;
}

static bool has_idle_frame(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (frame_is_idle(&stack->frames[i]))
			return true;
	return false;
}

static bool in_module(const struct frame *frame, const char *begin)
{
	return frame->module && strncmp(frame->module, begin, strlen(begin)) == 0;
}

/*
 * A Java thread whose methods have no names: the interpreter's and the compiler's code is in no
 * file, and without a perf map it cannot be told whether an idle pool waits there.
 */
static bool is_unnamed_java(const struct stack *stack)
{
	bool java = false;

	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->kind == FRAME_KERNEL || frame->kind == FRAME_LABEL)
			continue; /* labels: that the walk was cut, often in such code */
		java |= in_module(frame, "libjvm.so");
		if (frame->function && !in_module(frame, "lib") && !in_module(frame, "ld-"))
			return false;
	}
	return java;
}

bool verdict_stack_is_idle(enum unit unit, const struct stack *stack)
{
	return has_idle_frame(stack) ||
	       (unit == UNIT_THREAD && (stack_is_go_runtime(stack) || is_unnamed_java(stack)));
}

/* Each alone on its own channel, which takes nothing. */
static bool is_lone_send(const struct verdict_subject *subject)
{
	const struct wait_objects *objects = subject->objects;

	return is(subject, "chan_send") && objects->kind == WAIT_OBJECT_CHANNEL &&
	       wait_objects_sharing(objects) == WAIT_SHARING_ALONE &&
	       (!objects->capacity_max || objects->full == objects->looked_at);
}

/* As one waits for what there is to do, also the write pump of a connection. */
static bool is_receive(const struct verdict_subject *subject)
{
	return is(subject, "chan_receive") || is(subject, "select") ||
	       is(subject, "sync_cond_wait");
}

static enum verdict_class class_of_goroutine(const struct verdict_subject *subject)
{
	if (subject->runtime)
		return VERDICT_CLASS_NEVER;
	/* Before I/O: what serves a connection for long may leave such units behind. */
	if (is_in(subject->reason, endless_reasons) || is_lone_send(subject))
		return VERDICT_CLASS_PROOF;
	if (!is_in(subject->reason, untimed_goroutine_reasons) || subject->near_io == NEAR_IO_YES)
		return VERDICT_CLASS_NEVER;
	if (is_receive(subject) && subject->near_io != NEAR_IO_NO)
		return VERDICT_CLASS_NEVER;
	return VERDICT_CLASS_UNTIMED;
}

static enum verdict_class class_of_thread(const struct verdict_subject *subject)
{
	return is_in(subject->reason, untimed_thread_reasons) ? VERDICT_CLASS_UNTIMED
							      : VERDICT_CLASS_NEVER;
}

enum verdict_class verdict_class_of(const struct verdict_subject *subject)
{
	if (subject->timed || subject->idle ||
	    wait_objects_sharing(subject->objects) == WAIT_SHARING_ONE)
		return VERDICT_CLASS_NEVER;
	return subject->unit == UNIT_GOROUTINE ? class_of_goroutine(subject)
					       : class_of_thread(subject);
}

bool verdict_depends_on_near_io(const struct verdict_subject *subject)
{
	struct verdict_subject far = *subject;

	far.near_io = NEAR_IO_NO;
	return subject->unit == UNIT_GOROUTINE && verdict_class_of(&far) == VERDICT_CLASS_UNTIMED;
}

/* The innermost functions of libc by which a thread waits for a condition or a lock. */
static bool waits_in(const struct stack *stack, const char *part)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->kind == FRAME_USER && frame->function && strstr(frame->function, part))
			return true;
		if (frame->kind == FRAME_USER && !in_module(frame, "libc.") &&
		    !in_module(frame, "libpthread") && !in_module(frame, "ld-musl"))
			return false; /* the application's part begins */
	}
	return false;
}

static bool is_connection(const struct verdict_subject *subject)
{
	return is(subject, "socket_read") || is(subject, "socket_write");
}

static const char *way_out_of_thread(const struct verdict_subject *subject)
{
	if (is_connection(subject))
		return "Each connection keeps a thread: close idle ones, or give them a timeout.";
	if (!is(subject, "futex"))
		return NULL;
	if (waits_in(subject->stack, "pthread_cond_") || waits_in(subject->stack, "cnd_wait"))
		return "Nobody signals the condition variable: signal it on every way out.";
	if (waits_in(subject->stack, "pthread_mutex_lock") ||
	    waits_in(subject->stack, "lll_lock_wait"))
		return "Whoever holds the lock does not let go of it.";
	if (waits_in(subject->stack, "pthread_join") ||
	    waits_in(subject->stack, "pthread_clockjoin"))
		return "The thread that is joined here never ends.";
	return NULL;
}

static const char *way_out_of_channel(const struct verdict_subject *subject)
{
	if (is(subject, "chan_send_nil_chan") || is(subject, "chan_receive_nil_chan"))
		return "The channel is nil: make it before it is used.";
	if (is(subject, "select_no_cases"))
		return "A select without cases never ends: let it wait for a channel that is "
		       "closed.";
	if (is_lone_send(subject) && !subject->objects->capacity_max)
		return "A buffer of one lets each sender finish.";
	if (is_lone_send(subject))
		return "The buffer is full and nobody receives: drain it, or select on a way out.";
	if (is(subject, "chan_receive") &&
	    wait_objects_sharing(subject->objects) == WAIT_SHARING_ALONE)
		return "Nobody sends any more: close the channel on every way out of the sender.";
	return NULL;
}

static const char *way_out_of_goroutine(const struct verdict_subject *subject)
{
	if (is(subject, "sync_waitgroup_wait"))
		return "A Done is missing: defer it, so that it runs on every way out.";
	if (is(subject, "sync_cond_wait"))
		return "Nobody signals the condition variable: signal it on every way out.";
	if (is(subject, "sync_mutex_lock") || is(subject, "sync_rwmutex_lock") ||
	    is(subject, "sync_rwmutex_rlock"))
		return "Whoever holds the lock does not let go of it.";
	return way_out_of_channel(subject);
}

const char *verdict_way_out(const struct verdict_subject *subject, bool growing_only)
{
	if (growing_only && !is_connection(subject) &&
	    verdict_class_of(subject) != VERDICT_CLASS_PROOF)
		return NULL;
	return subject->unit == UNIT_GOROUTINE ? way_out_of_goroutine(subject)
					       : way_out_of_thread(subject);
}

const char *verdict_class_name(enum verdict_class class)
{
	switch (class) {
	case VERDICT_CLASS_PROOF:
		return "proof";
	case VERDICT_CLASS_UNTIMED:
		return "untimed";
	default:
		return "never";
	}
}
