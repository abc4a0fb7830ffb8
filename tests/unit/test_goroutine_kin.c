// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_kin.h"

#include <stdio.h>
#include <string.h>

#include "unit_test.h"

/* The programs below have 600 connections or requests, more than are looked at. */
enum {
	MANY = 600,
	ACCEPT = 1, /* goid of the goroutine that accepts connections */
};

static struct {
	struct watched_process *process;
	struct goroutine_kin *kin;
	struct site *site;
	uint64_t last_goid;
} program;

static struct site *add_site(const char *function)
{
	auto_free(stack) struct stack *stack = stack_new(2);
	struct site *site;

	assert_non_null(stack);
	stack->frames[0] = (struct frame){.kind = FRAME_USER, .function = strdup("main.wait")};
	stack->frames[1] = (struct frame){.kind = FRAME_USER, .function = strdup(function)};
	site = watched_process_site(program.process, SITE_PARK, UNIT_GOROUTINE, "chan_receive",
				    stack);
	assert_non_null(site);
	site->near_io_wanted = true;
	return site;
}

static uint64_t add(uint64_t goid, uint64_t parent, bool network, const struct site *site)
{
	const struct kin_goroutine goroutine = {
		.goid = goid,
		.parent_goid = parent,
		.network = network,
		.site = site,
	};

	goroutine_kin_add(program.kin, &goroutine);
	return goid;
}

/* One that has ended: only its id is known, to those it has made. */
static uint64_t ended(void)
{
	return ++program.last_goid;
}

static uint64_t reads_network(uint64_t parent)
{
	return add(++program.last_goid, parent, true, NULL);
}

static uint64_t lives(uint64_t parent)
{
	return add(++program.last_goid, parent, false, NULL);
}

static uint64_t stays(uint64_t parent)
{
	return add(++program.last_goid, parent, false, program.site);
}

static void next_sweep(void)
{
	assert_true(goroutine_kin_begin(program.kin, program.process));
	program.last_goid = ACCEPT;
	/* It waits for connections all the time. */
	add(ACCEPT, 0, true, NULL);
}

static void begin(const char *function)
{
	program.process = watched_process_new(1, 0, 0);
	program.kin = goroutine_kin_new();
	assert_non_null(program.process);
	assert_non_null(program.kin);
	program.site = add_site(function);
	next_sweep();
}

static void expect(enum near_io expected)
{
	goroutine_kin_settle(program.kin);
	assert_int_equal(program.site->near_io, expected);
}

static void end(void)
{
	goroutine_kin_free(program.kin);
	watched_process_free(program.process);
}

/* A websocket: the handler has started both pumps and returned, and net/http's goroutine ended. */
static void test_two_pumps_of_a_connection(void **state)
{
	(void)state;
	begin("main.(*client).writePump");
	for (int i = 0; i < MANY; i++) {
		uint64_t handler = ended();

		reads_network(handler);
		stays(handler);
	}
	expect(NEAR_IO_YES);
	end();
}

/* The same, but the handler itself reads. */
static void test_a_pump_whose_parent_reads(void **state)
{
	(void)state;
	begin("main.writePump");
	for (int i = 0; i < MANY; i++)
		stays(reads_network(ACCEPT));
	expect(NEAR_IO_YES);
	end();
}

/* go handle(conn) makes a reader and waits for what it reads. */
static void test_one_whose_child_reads(void **state)
{
	(void)state;
	begin("main.handle");
	for (int i = 0; i < MANY; i++)
		reads_network(stays(ACCEPT));
	expect(NEAR_IO_YES);
	end();
}

/*
 * A handler in net/http waits, as for a long poll: in the background a goroutine reads, to see
 * the client go. When all clients have gone and the handlers still wait, it is something else.
 */
static void test_handlers_are_near_while_their_clients_are_there(void **state)
{
	(void)state;
	begin("net/http.(*conn).serve");
	for (int i = 0; i < MANY; i++)
		reads_network(stays(ACCEPT));
	expect(NEAR_IO_YES);
	next_sweep();
	for (int i = 0; i < MANY; i++)
		stays(ACCEPT);
	/* Other connections are idle. */
	for (int i = 0; i < MANY; i++)
		reads_network(ACCEPT);
	expect(NEAR_IO_NO);
	end();
}

/* The leak: each handler has left one behind, and ended with its connection. */
static void test_what_ended_handlers_have_left(void **state)
{
	(void)state;
	begin("main.handle.func1");
	for (int i = 0; i < MANY; i++)
		stays(ended());
	for (int i = 0; i < MANY; i++)
		reads_network(ACCEPT);
	expect(NEAR_IO_NO);
	end();
}

/* The same by requests on connections that are kept alive, five on each. */
static void test_what_requests_on_living_connections_have_left(void **state)
{
	(void)state;
	begin("main.handle.func1");
	for (int i = 0; i < MANY; i++) {
		uint64_t connection = reads_network(ACCEPT);

		for (int j = 0; j < 5; j++)
			stays(connection);
	}
	expect(NEAR_IO_NO);
	end();
}

/* A consumer that reads from a broker and starts one for each message. */
static void test_what_one_reader_has_left(void **state)
{
	uint64_t consumer;

	(void)state;
	begin("main.consume.func1");
	consumer = reads_network(ACCEPT);
	for (int i = 0; i < MANY; i++)
		stays(consumer);
	expect(NEAR_IO_NO);
	end();
}

/* errgroup: the handler waits for two who wait; its connection is read in the background. */
static void test_those_a_handler_waits_for(void **state)
{
	(void)state;
	begin("golang.org/x/sync/errgroup.(*Group).Go.func1");
	for (int i = 0; i < MANY; i++) {
		uint64_t handler = lives(ACCEPT);

		reads_network(handler);
		stays(handler);
		stays(handler);
	}
	expect(NEAR_IO_YES);
	end();
}

/* The same without a client: that they all come from the accept loop is no sign. */
static void test_those_a_stuck_handler_waits_for(void **state)
{
	(void)state;
	begin("golang.org/x/sync/errgroup.(*Group).Go.func1");
	for (int i = 0; i < MANY; i++)
		stays(lives(ACCEPT));
	expect(NEAR_IO_NO);
	end();
}

/* SSH: connection, its reader, a session, and what that has started. */
static void test_a_session_of_a_connection(void **state)
{
	(void)state;
	begin("github.com/gliderlabs/ssh.(*session).handleRequests.func1");
	for (int i = 0; i < MANY; i++) {
		uint64_t connection = lives(ACCEPT);

		reads_network(connection);
		stays(lives(connection));
	}
	expect(NEAR_IO_YES);
	next_sweep();
	for (int i = 0; i < MANY; i++) {
		uint64_t connection = lives(ACCEPT);

		reads_network(connection);
		stays(lives(lives(connection)));
	}
	expect(NEAR_IO_YES);
	/* A level more is too far. */
	next_sweep();
	for (int i = 0; i < MANY; i++) {
		uint64_t connection = lives(ACCEPT);

		reads_network(connection);
		stays(lives(lives(lives(connection))));
	}
	expect(NEAR_IO_NO);
	end();
}

/* Handlers of streams, fifty on each connection, are as old as their streams. */
static uint64_t handles_stream(uint64_t parent, const struct site *site)
{
	const struct kin_goroutine goroutine = {
		.goid = ++program.last_goid,
		.parent_goid = parent,
		.stream = true,
		.site = site,
	};

	goroutine_kin_add(program.kin, &goroutine);
	return goroutine.goid;
}

/* gRPC: who reads from the connection makes the handlers. */
static void test_streams_that_share_connections(void **state)
{
	(void)state;
	begin("google.golang.org/grpc.(*Server).handleStream");
	for (int i = 0; i < MANY / 50; i++) {
		uint64_t connection = reads_network(ended());

		for (int j = 0; j < 50; j++)
			handles_stream(connection, program.site);
	}
	expect(NEAR_IO_YES);
	/* The connections have gone. */
	next_sweep();
	for (int i = 0; i < MANY; i++)
		handles_stream(ended(), program.site);
	expect(NEAR_IO_NO);
	end();
}

/* HTTP/2 in net/http: who serves the connection made its reader, and the handlers. */
static void test_what_handlers_of_streams_wait_for(void **state)
{
	(void)state;
	begin("main.work");
	for (int i = 0; i < MANY / 50; i++) {
		uint64_t connection = lives(ACCEPT);

		reads_network(connection);
		for (int j = 0; j < 50; j++)
			stays(handles_stream(connection, NULL));
	}
	expect(NEAR_IO_YES);
	end();
}

/* What handlers of streams have left does not come from the connection any more. */
static void test_what_handlers_of_streams_have_left(void **state)
{
	(void)state;
	begin("main.watch.func1");
	for (int i = 0; i < MANY / 50; i++) {
		uint64_t connection = reads_network(ended());

		for (int j = 0; j < 50; j++) {
			handles_stream(connection, NULL);
			stays(ended());
		}
	}
	expect(NEAR_IO_NO);
	end();
}

static bool serves_stream(const char *function)
{
	auto_free(stack) struct stack *stack = stack_new(3);

	assert_non_null(stack);
	stack->frames[0] = (struct frame){.function = strdup("main.wait")};
	stack->frames[2] = (struct frame){.function = strdup(function)};
	return goroutine_kin_serves_stream(stack);
}

static void test_handlers_of_streams_are_known_by_name(void **state)
{
	(void)state;
	assert_true(serves_stream("google.golang.org/grpc.(*Server).handleStream"));
	assert_true(serves_stream("golang.org/x/net/http2.(*serverConn).runHandler"));
	assert_true(serves_stream("net/http.(*http2serverConn).runHandler"));
	assert_false(serves_stream("net/http.(*conn).serve"));
}

static void add_mixed(int near, int far)
{
	for (int i = 0; i < near; i++)
		stays(reads_network(ACCEPT));
	for (int i = 0; i < far; i++)
		stays(ended());
}

static void test_half_is_most_but_does_not_come_and_go(void **state)
{
	(void)state;
	begin("main.wait");
	add_mixed(50, 50);
	expect(NEAR_IO_YES);
	next_sweep();
	add_mixed(49, 51);
	expect(NEAR_IO_NO);
	next_sweep();
	add_mixed(74, 26);
	expect(NEAR_IO_NO);
	next_sweep();
	add_mixed(75, 25);
	expect(NEAR_IO_YES);
	end();
}

static void test_the_sample_is_spread(void **state)
{
	(void)state;
	begin("main.wait");
	/* Of the first 1000 none is near, of the other 1001 all are. */
	add_mixed(0, 1000);
	add_mixed(1001, 0);
	expect(NEAR_IO_YES);
	end();
}

static void test_without_parents_there_is_no_answer(void **state)
{
	(void)state;
	begin("main.wait");
	for (int i = 0; i < MANY; i++)
		stays(0);
	expect(NEAR_IO_UNKNOWN);
	assert_false(goroutine_kin_begin(program.kin, program.process));
	end();
}

static void test_without_units_the_answer_stays(void **state)
{
	(void)state;
	begin("main.wait");
	program.site->near_io = NEAR_IO_YES;
	reads_network(ACCEPT);
	expect(NEAR_IO_YES);
	end();
}

/* time.AfterFunc(): the runtime itself makes it, where others have parents. */
static void test_what_timers_have_made(void **state)
{
	(void)state;
	begin("main.expire");
	for (int i = 0; i < MANY; i++)
		stays(0);
	reads_network(ACCEPT);
	expect(NEAR_IO_NO);
	next_sweep();
	for (int i = 0; i < MANY; i++)
		reads_network(stays(0));
	expect(NEAR_IO_YES);
	end();
}

static void test_only_who_asks_is_answered(void **state)
{
	struct site *other;

	(void)state;
	begin("main.wait");
	other = add_site("main.other");
	other->near_io_wanted = false;
	next_sweep();
	for (int i = 0; i < MANY; i++)
		add(++program.last_goid, reads_network(ACCEPT), false, other);
	stays(ended());
	expect(NEAR_IO_NO);
	assert_int_equal(other->near_io, NEAR_IO_UNKNOWN);
	program.site->near_io_wanted = false;
	assert_false(goroutine_kin_begin(program.kin, program.process));
	end();
}

/* Two kinds of one connection; only one of them beside what a third has left. */
static void test_crowds_do_not_count_for_each_other(void **state)
{
	struct site *readers, *leaked;

	(void)state;
	begin("main.writePump");
	readers = add_site("main.heartbeat");
	leaked = add_site("main.handle.func1");
	next_sweep();
	for (int i = 0; i < MANY; i++) {
		uint64_t connection = reads_network(ACCEPT);

		stays(connection);
		stays(connection);
		for (int j = 0; j < 2; j++)
			add(++program.last_goid, connection, false, readers);
		for (int j = 0; j < 3; j++)
			add(++program.last_goid, connection, false, leaked);
	}
	expect(NEAR_IO_YES);
	assert_int_equal(readers->near_io, NEAR_IO_YES);
	assert_int_equal(leaked->near_io, NEAR_IO_NO);
	end();
}

static void test_more_crowds_than_samples_are_all_answered(void **state)
{
	const size_t count = GOROUTINE_KIN_SAMPLES + 100;
	struct site *site, *next;
	size_t yes = 0, no = 0;
	char function[32];

	(void)state;
	begin("main.wait");
	for (size_t i = 1; i < count; i++) {
		snprintf(function, sizeof(function), "main.wait%zu", i);
		add_site(function);
	}
	next_sweep();
	HASH_ITER (hh, program.process->sites, site, next)
		for (int j = 0; j < 3; j++)
			add(++program.last_goid,
			    site == program.site ? reads_network(ACCEPT) : ended(), false, site);
	expect(NEAR_IO_YES);
	HASH_ITER (hh, program.process->sites, site, next) {
		yes += site->near_io == NEAR_IO_YES;
		no += site->near_io == NEAR_IO_NO;
	}
	assert_int_equal(yes, 1);
	assert_int_equal(no, count - 1);
	end();
}

/* What a process that lies may say: everybody made himself, or each the other, with one id. */
static void test_lies_end(void **state)
{
	(void)state;
	begin("main.wait");
	for (uint64_t i = 2; i < MANY; i++)
		add(i, i, false, program.site);
	expect(NEAR_IO_NO);
	next_sweep();
	for (int i = 0; i < MANY; i++) {
		add(2, 3, false, program.site);
		add(3, 2, false, NULL);
		add(3, UINT64_MAX, true, NULL);
	}
	expect(NEAR_IO_NO);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_pumps_of_a_connection),
		cmocka_unit_test(test_a_pump_whose_parent_reads),
		cmocka_unit_test(test_one_whose_child_reads),
		cmocka_unit_test(test_handlers_are_near_while_their_clients_are_there),
		cmocka_unit_test(test_what_ended_handlers_have_left),
		cmocka_unit_test(test_what_requests_on_living_connections_have_left),
		cmocka_unit_test(test_what_one_reader_has_left),
		cmocka_unit_test(test_those_a_handler_waits_for),
		cmocka_unit_test(test_those_a_stuck_handler_waits_for),
		cmocka_unit_test(test_a_session_of_a_connection),
		cmocka_unit_test(test_streams_that_share_connections),
		cmocka_unit_test(test_what_handlers_of_streams_wait_for),
		cmocka_unit_test(test_what_handlers_of_streams_have_left),
		cmocka_unit_test(test_handlers_of_streams_are_known_by_name),
		cmocka_unit_test(test_half_is_most_but_does_not_come_and_go),
		cmocka_unit_test(test_the_sample_is_spread),
		cmocka_unit_test(test_without_parents_there_is_no_answer),
		cmocka_unit_test(test_without_units_the_answer_stays),
		cmocka_unit_test(test_what_timers_have_made),
		cmocka_unit_test(test_only_who_asks_is_answered),
		cmocka_unit_test(test_crowds_do_not_count_for_each_other),
		cmocka_unit_test(test_more_crowds_than_samples_are_all_answered),
		cmocka_unit_test(test_lies_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
