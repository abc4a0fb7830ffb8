// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model_builder.h"

#include "model/verdict_class.h"

#define P VERDICT_CLASS_PROOF
#define U VERDICT_CLASS_UNTIMED
#define X VERDICT_CLASS_NEVER

/* Three units at channels of this capacity and length, each alone unless they share one. */
static struct wait_objects channels(uint64_t capacity, uint64_t length, bool shared)
{
	struct wait_objects objects = {0};

	for (uint64_t i = 0; i < 3; i++) {
		struct wait_object object = {
			.kind = WAIT_OBJECT_CHANNEL,
			.identity = shared ? 1 : 1 + i,
			.alone = !shared,
			.capacity = capacity,
			.length = length,
		};

		wait_objects_add(&objects, &object);
	}
	return objects;
}

static const struct wait_objects nothing_known;

/* A goroutine of the application, about which nothing else is known. */
static enum verdict_class class_of(const char *reason, const struct wait_objects *objects,
				   enum near_io near_io)
{
	auto_free(stack) struct stack *stack = build_stack("main.work.func1", NULL);

	return verdict_class_of(
		&(struct verdict_subject){.unit = UNIT_GOROUTINE,
					  .reason = reason,
					  .objects = objects,
					  .stack = stack,
					  .idle = verdict_stack_is_idle(UNIT_GOROUTINE, stack),
					  .near_io = near_io});
}

static enum verdict_class class_of_thread(const char *reason, struct stack *taken)
{
	auto_free(stack) struct stack *stack = taken;

	return verdict_class_of(
		&(struct verdict_subject){.unit = UNIT_THREAD,
					  .reason = reason,
					  .objects = &nothing_known,
					  .stack = stack,
					  .idle = verdict_stack_is_idle(UNIT_THREAD, stack)});
}

static void test_lone_sends_are_proof(void **state)
{
	struct wait_objects unbuffered = channels(0, 0, false), full = channels(4, 4, false);
	struct wait_objects room = channels(4, 3, false), shared = channels(0, 0, true);

	(void)state;
	assert_int_equal(class_of("chan_send", &unbuffered, NEAR_IO_UNKNOWN), P);
	assert_int_equal(class_of("chan_send_durable", &unbuffered, NEAR_IO_UNKNOWN), P);
	assert_int_equal(class_of("chan_send", &full, NEAR_IO_UNKNOWN), P);
	assert_int_equal(class_of("chan_send", &room, NEAR_IO_UNKNOWN), U);
	assert_int_equal(class_of("chan_send", &nothing_known, NEAR_IO_UNKNOWN), U);
	assert_int_equal(class_of("chan_send", &shared, NEAR_IO_UNKNOWN), X);
}

static void test_waits_without_an_end_are_proof(void **state)
{
	(void)state;
	assert_int_equal(class_of("chan_send_nil_chan", &nothing_known, NEAR_IO_YES), P);
	assert_int_equal(class_of("chan_receive_nil_chan", &nothing_known, NEAR_IO_YES), P);
	assert_int_equal(class_of("select_no_cases", &nothing_known, NEAR_IO_YES), P);
}

static void test_receivers_may_serve_a_connection(void **state)
{
	struct wait_objects lone = channels(0, 0, false), shared = channels(16, 0, true);

	(void)state;
	assert_int_equal(class_of("chan_receive", &lone, NEAR_IO_UNKNOWN), X);
	assert_int_equal(class_of("chan_receive", &lone, NEAR_IO_YES), X);
	assert_int_equal(class_of("chan_receive", &lone, NEAR_IO_NO), U);
	assert_int_equal(class_of("select", &lone, NEAR_IO_UNKNOWN), X);
	assert_int_equal(class_of("select", &lone, NEAR_IO_NO), U);
	assert_int_equal(class_of("chan_receive", &shared, NEAR_IO_NO), X);
	/* nats-server has a client.writeLoop() at a condition variable for each connection. */
	assert_int_equal(class_of("sync_cond_wait", &nothing_known, NEAR_IO_UNKNOWN), X);
	assert_int_equal(class_of("sync_cond_wait", &nothing_known, NEAR_IO_YES), X);
	assert_int_equal(class_of("sync_cond_wait", &nothing_known, NEAR_IO_NO), U);
}

static void test_locks_and_groups_are_untimed(void **state)
{
	static const char *const untimed[] = {"semacquire",          "sync_mutex_lock",
					      "sync_rwmutex_lock",   "sync_rwmutex_rlock",
					      "sync_waitgroup_wait", "coroutine"};
	static const char *const never[] = {"io_wait",   "sleep", "syscall", "finalizer_wait",
					    "preempted", "other", "birth"};

	(void)state;
	for (size_t i = 0; i < sizeof(untimed) / sizeof(untimed[0]); i++) {
		assert_int_equal(class_of(untimed[i], &nothing_known, NEAR_IO_UNKNOWN), U);
		assert_int_equal(class_of(untimed[i], &nothing_known, NEAR_IO_YES), X);
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(class_of(never[i], &nothing_known, NEAR_IO_NO), X);
}

static bool depends(const char *reason, const struct wait_objects *objects, enum near_io near_io)
{
	auto_free(stack) struct stack *stack = build_stack("main.work.func1", NULL);

	return verdict_depends_on_near_io(&(struct verdict_subject){.unit = UNIT_GOROUTINE,
								    .reason = reason,
								    .objects = objects,
								    .stack = stack,
								    .near_io = near_io});
}

/* Also when it is known: it may change. */
static void test_where_near_io_decides(void **state)
{
	struct wait_objects lone = channels(0, 0, false), shared = channels(16, 0, true);

	(void)state;
	for (enum near_io known = NEAR_IO_UNKNOWN; known <= NEAR_IO_NO; known++) {
		assert_true(depends("chan_receive", &lone, known));
		assert_true(depends("select", &nothing_known, known));
		assert_true(depends("semacquire", &nothing_known, known));
		assert_false(depends("chan_send", &lone, known));
		assert_false(depends("chan_receive", &shared, known));
		assert_false(depends("sleep", &nothing_known, known));
	}
}

static void test_what_is_timed_or_the_runtimes_is_never_a_leak(void **state)
{
	auto_free(stack) struct stack *stack = build_stack("main.work", NULL);
	struct wait_objects lone = channels(0, 0, false);
	struct verdict_subject subject = {
		.unit = UNIT_GOROUTINE, .reason = "chan_send", .objects = &lone, .stack = stack};

	(void)state;
	assert_int_equal(verdict_class_of(&subject), P);
	subject.timed = true;
	assert_int_equal(verdict_class_of(&subject), X);
	subject.timed = false;
	subject.runtime = true;
	assert_int_equal(verdict_class_of(&subject), X);
}

static void test_threads(void **state)
{
	static const char *const never[] = {"epoll",       "poll",      "sleep",
					    "socket_read", "pipe_read", "wait_child",
					    "io_uring",    "stopped",   "birth"};

	(void)state;
	assert_int_equal(
		class_of_thread("futex", build_stack("pthread_cond_wait@libc.so.6", "work", NULL)),
		U);
	assert_int_equal(class_of_thread("file_lock", build_stack("work", NULL)), U);
	assert_int_equal(class_of_thread("futex", build_stack("runtime.futex", "runtime.stopm",
							      "runtime.mcall", NULL)),
			 X);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(class_of_thread(never[i], build_stack("work", NULL)), X);
}

static void test_idle_pools(void **state)
{
	static const char *const idle[] = {
		"java.util.concurrent.ThreadPoolExecutor.getTask",
		"Ljava/util/concurrent/ThreadPoolExecutor;::getTask",
		"java/util/concurrent/ThreadPoolExecutor::getTask(Z)V",
		"java.util.concurrent.ThreadPoolExecutor$Worker::run",
		"gomp_thread_start",
		"tpool::thread_pool_generic::wait_for_tasks(std::unique_lock<std::mutex>&)",
		"tokio::runtime::blocking::pool::Inner::run::h0123456789abcdef",
		"py::_worker:/usr/lib/python3.11/concurrent/futures/thread.py",
		"worker@libuv.so.1",
	};
	static const char *const busy[] = {
		"java.util.concurrent.ThreadPoolExecutor.getTasks",
		"com.example.java.util.concurrent.ThreadPoolExecutor.getTask",
		"gomp_thread_start_mine",
		"py::_worker:/srv/application/jobs.py",
		"worker@server",
		"Leak",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		assert_int_equal(class_of_thread("futex", build_stack("pthread_cond_wait@libc.so.6",
								      idle[i], "main", NULL)),
				 X);
	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
		assert_int_equal(class_of_thread("futex", build_stack("pthread_cond_wait@libc.so.6",
								      busy[i], "main", NULL)),
				 U);
}

static void test_goroutines_that_wait_for_the_network_by_another(void **state)
{
	static const char *const waits[] = {
		"net/http.(*persistConn).roundTrip",
		"net/http.(*http2clientStream).doRequest",
		"golang.org/x/net/http2.(*pipe).Read",
		"google.golang.org/grpc/internal/transport.(*recvBufferReader).readClient",
		"github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher.func1",
		"github.com/quic-go/quic-go.(*connection).run",
	};
	static const char *const others[] = {
		"net/http.(*persistConn).roundTripLater",
		"net/http.(*conn).serve",
		"main.(*pipe).Read",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		auto_free(stack) struct stack *stack = build_stack(waits[i], "main.get", NULL);

		assert_true(verdict_stack_is_idle(UNIT_GOROUTINE, stack));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		auto_free(stack) struct stack *stack = build_stack(others[i], "main.get", NULL);

		assert_false(verdict_stack_is_idle(UNIT_GOROUTINE, stack));
	}
}

static void test_java_without_names_is_not_judged(void **state)
{
	struct stack *unnamed = build_stack("pthread_cond_wait@libc.so.6", "Parker::park@libjvm.so",
					    "x@perf", "JavaThread::run@libjvm.so", NULL);

	(void)state;
	free(unnamed->frames[2].function);
	unnamed->frames[2].function = NULL;
	assert_int_equal(class_of_thread("futex", unnamed), X);
	assert_int_equal(class_of_thread("futex", build_stack("pthread_cond_wait@libc.so.6",
							      "Parker::park@libjvm.so",
							      "com.example.Work.run",
							      "JavaThread::run@libjvm.so", NULL)),
			 U);
}

static void test_java_whose_stack_is_cut_is_not_judged(void **state)
{
	struct stack *cut = build_stack("pthread_cond_wait@libc.so.6", "Parker::park@libjvm.so",
					"Unsafe_Park@libjvm.so", "x@perf", NULL);

	(void)state;
	free(cut->frames[3].function);
	cut->frames[3].function = NULL;
	cut = stack_append_label(cut, "[cut: return address is not in code]");
	assert_non_null(cut);
	assert_int_equal(class_of_thread("futex", cut), X);
}

/*
 * Threads that waited in idle servers of Debian 12, without debug symbols: the frames after
 * libc's, leaf first. Functions without a name have only their module.
 */
static void test_pools_of_real_servers(void **state)
{
	static const struct {
		const char *server;
		const char *frames[5];
		enum verdict_class class;
	} pools[] = {
		{"MariaDB 10.11",
		 {"tpool::thread_pool_generic::wait_for_tasks@mariadbd",
		  "tpool::thread_pool_generic::get_task@mariadbd",
		  "tpool::thread_pool_generic::worker_main@mariadbd", "@libstdc++.so.6.0.30"},
		 X},
		{"Redis 7.0", {"bioProcessBackgroundJobs@redis-check-rdb"}, X},
		{"Redis 7.0, --io-threads", {"IOThreadMain@redis-check-rdb"}, X},
		{"nginx 1.22, aio threads", {"ngx_thread_cond_wait@nginx", "@nginx"}, X},
		{"Node 18, libuv", {"uv_cond_wait@node", "worker@node"}, X},
		{"Node 18, V8",
		 {"uv_cond_wait@node", "node::(anonymous namespace)::PlatformWorkerThread@node"},
		 X},
		/* One of each, and no pool; or nothing tells what it is. */
		{"MariaDB 10.11", {"handle_manager@mariadbd", "@mariadbd"}, U},
		{"memcached 1.6", {"@memcached"}, U},
		{"Node 18",
		 {"uv_sem_wait@node",
		  "node::inspector::(anonymous namespace)::StartIoThreadMain@node"},
		 U},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		const char *const *frames = pools[i].frames;
		struct stack *stack = build_stack("pthread_cond_wait@libc.so.6", frames[0],
						  frames[1], frames[2], frames[3], NULL);

		for (size_t j = 0; j < stack->count; j++) {
			if (stack->frames[j].function[0])
				continue;
			free(stack->frames[j].function);
			stack->frames[j].function = NULL;
		}
		print_message("%s: %s\n", pools[i].server, frames[0]);
		assert_int_equal(class_of_thread("futex", stack), pools[i].class);
	}
}

static const char *way_out_of(enum unit unit, const char *reason,
			      const struct wait_objects *objects, const char *frame,
			      bool growing_only)
{
	auto_free(stack) struct stack *stack = build_stack(frame, "work", NULL);

	return verdict_way_out(
		&(struct verdict_subject){
			.unit = unit, .reason = reason, .objects = objects, .stack = stack},
		growing_only);
}

static const char *way_out(enum unit unit, const char *reason, const struct wait_objects *objects,
			   const char *frame)
{
	return way_out_of(unit, reason, objects, frame, false);
}

static const char *way_out_of_growth(enum unit unit, const char *reason,
				     const struct wait_objects *objects, const char *frame)
{
	return way_out_of(unit, reason, objects, frame, true);
}

/* A pool that fills grows, too: of it nobody may say that nobody signals. */
static void test_ways_out_of_growth(void **state)
{
	struct wait_objects unbuffered = channels(0, 0, false);
	const struct wait_objects *none = &nothing_known;

	(void)state;
	assert_null(way_out_of_growth(UNIT_THREAD, "futex", none, "pthread_cond_wait@libc.so.6"));
	assert_null(way_out_of_growth(UNIT_THREAD, "futex", none, "__lll_lock_wait@libc.so.6"));
	assert_null(way_out_of_growth(UNIT_GOROUTINE, "chan_receive", &unbuffered, "f"));
	assert_null(way_out_of_growth(UNIT_GOROUTINE, "sync_waitgroup_wait", none, "f"));
	assert_string_equal(way_out_of_growth(UNIT_GOROUTINE, "chan_send", &unbuffered, "f"),
			    "A buffer of one lets each sender finish.");
	assert_string_equal(way_out_of_growth(UNIT_THREAD, "socket_read", none, "recv@libc.so.6"),
			    "Each connection keeps a thread: close idle ones, or give them a "
			    "timeout.");
}

static void test_ways_out_of_goroutines(void **state)
{
	struct wait_objects unbuffered = channels(0, 0, false), full = channels(4, 4, false);
	struct wait_objects shared = channels(0, 0, true);
	const struct wait_objects *none = &nothing_known;

	(void)state;
	assert_string_equal(way_out(UNIT_GOROUTINE, "chan_send", &unbuffered, "f"),
			    "A buffer of one lets each sender finish.");
	assert_string_equal(way_out(UNIT_GOROUTINE, "chan_send", &full, "f"),
			    "The buffer is full and nobody receives: drain it, or select on a way "
			    "out.");
	assert_null(way_out(UNIT_GOROUTINE, "chan_send", &shared, "f"));
	assert_null(way_out(UNIT_GOROUTINE, "chan_send", none, "f"));
	assert_string_equal(way_out(UNIT_GOROUTINE, "chan_send_nil_chan", none, "f"),
			    "The channel is nil: make it before it is used.");
	assert_string_equal(
		way_out(UNIT_GOROUTINE, "select_no_cases", none, "f"),
		"A select without cases never ends: let it wait for a channel that is closed.");
	assert_string_equal(
		way_out(UNIT_GOROUTINE, "chan_receive", &unbuffered, "f"),
		"Nobody sends any more: close the channel on every way out of the sender.");
	assert_null(way_out(UNIT_GOROUTINE, "chan_receive", &shared, "f"));
	assert_string_equal(way_out(UNIT_GOROUTINE, "sync_waitgroup_wait", none, "f"),
			    "A Done is missing: defer it, so that it runs on every way out.");
	assert_null(way_out(UNIT_GOROUTINE, "io_wait", none, "f"));
}

static void test_ways_out_of_threads(void **state)
{
	const struct wait_objects *none = &nothing_known;

	(void)state;
	assert_string_equal(way_out(UNIT_THREAD, "socket_read", none, "recv@libc.so.6"),
			    "Each connection keeps a thread: close idle ones, or give them a "
			    "timeout.");
	assert_string_equal(way_out(UNIT_THREAD, "futex", none, "pthread_cond_wait@libc.so.6"),
			    "Nobody signals the condition variable: signal it on every way out.");
	assert_string_equal(way_out(UNIT_THREAD, "futex", none, "__lll_lock_wait@libc.so.6"),
			    "Whoever holds the lock does not let go of it.");
	assert_string_equal(way_out(UNIT_THREAD, "futex", none, "__pthread_clockjoin_ex@libc.so.6"),
			    "The thread that is joined here never ends.");
	/* A function of the application is not libc's, whatever it is called. */
	assert_null(way_out(UNIT_THREAD, "futex", none, "main@target"));
	assert_null(way_out(UNIT_THREAD, "epoll", none, "epoll_wait@libc.so.6"));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_class_name(P), "proof");
	assert_string_equal(verdict_class_name(U), "untimed");
	assert_string_equal(verdict_class_name(X), "never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lone_sends_are_proof),
		cmocka_unit_test(test_waits_without_an_end_are_proof),
		cmocka_unit_test(test_receivers_may_serve_a_connection),
		cmocka_unit_test(test_locks_and_groups_are_untimed),
		cmocka_unit_test(test_where_near_io_decides),
		cmocka_unit_test(test_what_is_timed_or_the_runtimes_is_never_a_leak),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_idle_pools),
		cmocka_unit_test(test_goroutines_that_wait_for_the_network_by_another),
		cmocka_unit_test(test_java_without_names_is_not_judged),
		cmocka_unit_test(test_java_whose_stack_is_cut_is_not_judged),
		cmocka_unit_test(test_pools_of_real_servers),
		cmocka_unit_test(test_ways_out_of_goroutines),
		cmocka_unit_test(test_ways_out_of_threads),
		cmocka_unit_test(test_ways_out_of_growth),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
