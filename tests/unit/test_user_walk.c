// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/user_walk.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "unit_test.h"

enum {
	TABLES_LIMIT = 32 << 20,
	MAPPINGS_LIMIT = 1 << 20,
	RECURSION_DEEP = 300,
};

/* What a child says of its own stack, as libgcc's unwinder sees it from `stand_still`. */
struct own_word {
	uint64_t frames[ABI_STACK_FRAMES_MAX];
	int count;
	uint64_t bp; /* /proc does not have it; what waits in the C library leaves it alone */
};

/* Not backtrace(3): sanitizers put themselves in its way. */
static _Unwind_Reason_Code add_own_frame(struct _Unwind_Context *context, void *data)
{
	struct own_word *word = data;
	uint64_t address = _Unwind_GetIP(context);

	if (address && word->count < ABI_STACK_FRAMES_MAX)
		word->frames[word->count++] = address;
	return _URC_NO_REASON;
}

static int word_of_child[2];
static volatile bool released; /* never; but the compiler cannot know */

static __attribute__((noinline)) void stand_still(void)
{
	struct own_word word = {.bp = (uint64_t)(uintptr_t)__builtin_frame_address(0)};

	_Unwind_Backtrace(add_own_frame, &word);
	if (write(word_of_child[1], &word, sizeof(word)) != sizeof(word))
		_exit(1);
	while (!released)
		pause();
}

static __attribute__((noinline)) int go_down(int depth)
{
	volatile char some_stack[64] = {0};

	if (depth == 0)
		stand_still();
	else
		some_stack[depth % 64] = (char)go_down(depth - 1);
	return some_stack[0];
}

static void on_signal(int number)
{
	(void)number;
	go_down(2);
}

/* Registers of a thread that waits, as far as /proc tells: all but bp. */
static bool is_parked(pid_t pid, struct user_registers *registers)
{
	char path[64];
	autofclose FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	return fscanf(file, "34 %*x %*x %*x %*x %*x %*x %" SCNx64 " %" SCNx64, &registers->sp,
		      &registers->ip) == 2;
}

static pid_t start_child(int depth, bool in_handler, struct own_word *word,
			 struct user_registers *registers)
{
	pid_t child;

	assert_int_equal(pipe(word_of_child), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGUSR1, on_signal);
		if (in_handler)
			raise(SIGUSR1);
		go_down(depth);
	}
	assert_int_equal(read(word_of_child[0], word, sizeof(*word)), sizeof(*word));
	close(word_of_child[0]);
	close(word_of_child[1]);
	*registers = (struct user_registers){0};
	while (!is_parked(child, registers))
		usleep(1000);
	registers->bp = word->bp;
	return child;
}

static void stop_child(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void walk_child(pid_t child, const struct user_registers *registers,
		       struct user_walk_result *result)
{
	const struct code_tables_config config = {.map_files = true, .limit = TABLES_LIMIT};
	auto_free(mapping_cache) struct mapping_cache *mappings = mapping_cache_new(MAPPINGS_LIMIT);
	auto_free(code_tables) struct code_tables *tables = code_tables_new(&config);
	auto_free(user_walk) struct user_walk *walk = user_walk_new(mappings, tables);
	const struct process_ref process = {.pid = child};

	assert_non_null(walk);
	user_walk_run(walk, &process, registers, 1, result);
}

/* The frames behind the one that stands still: its return address, and so on. */
static void assert_same_callers(const struct own_word *word, const struct user_walk_result *result)
{
	/* word: stand_still, its caller, …; result: pause, stand_still, its caller, … */
	assert_int_equal(result->count, word->count + 1);
	for (int i = 1; i < word->count; i++)
		assert_int_equal(result->frames[i + 1], word->frames[i]);
}

static void a_whole_stack_is_what_libgcc_sees(void **state)
{
	struct user_walk_result result;
	struct user_registers registers;
	struct own_word word;
	pid_t child = start_child(5, false, &word, &registers);

	(void)state;
	walk_child(child, &registers, &result);
	stop_child(child);
	assert_same_callers(&word, &result);
	assert_int_equal(result.end, UNWIND_END_OUTERMOST);
	assert_int_equal(result.first_guess, result.count);
	assert_true(result.count >= 8);
}

static void through_a_signal_handler(void **state)
{
	struct user_walk_result result;
	struct user_registers registers;
	struct own_word word;
	pid_t child = start_child(0, true, &word, &registers);

	(void)state;
	walk_child(child, &registers, &result);
	stop_child(child);
	assert_same_callers(&word, &result);
	assert_int_equal(result.end, UNWIND_END_OUTERMOST);
}

static void too_deep_a_stack_is_cut(void **state)
{
	struct user_walk_result result;
	struct user_registers registers;
	struct own_word word;
	pid_t child = start_child(RECURSION_DEEP, false, &word, &registers);

	(void)state;
	walk_child(child, &registers, &result);
	stop_child(child);
	assert_int_equal(result.count, ABI_STACK_FRAMES_MAX);
	assert_int_equal(result.end, UNWIND_END_TOO_DEEP);
	for (size_t i = 2; i < result.count; i++)
		assert_int_equal(result.frames[i], word.frames[i - 1]);
}

static void code_that_is_not_mapped_ends_the_walk(void **state)
{
	struct user_walk_result result;
	struct user_registers registers;
	struct own_word word;
	pid_t child = start_child(0, false, &word, &registers);

	(void)state;
	registers.ip = 0x10;
	walk_child(child, &registers, &result);
	stop_child(child);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.frames[0], 0x10);
	assert_int_equal(result.end, UNWIND_END_NO_CODE);
}

static void a_stack_that_cannot_be_read_ends_the_walk(void **state)
{
	struct user_walk_result result;
	struct user_registers registers;
	struct own_word word;
	pid_t child = start_child(0, false, &word, &registers);

	(void)state;
	registers.sp = 0x1000;
	walk_child(child, &registers, &result);
	stop_child(child);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.end, UNWIND_END_MEMORY);
}

static void a_process_that_is_gone(void **state)
{
	const struct user_registers registers = {.ip = 1, .sp = 2, .bp = 3};
	struct user_walk_result result;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	walk_child(child, &registers, &result);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.end, UNWIND_END_NO_CODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_stack_is_what_libgcc_sees),
		cmocka_unit_test(through_a_signal_handler),
		cmocka_unit_test(too_deep_a_stack_is_cut),
		cmocka_unit_test(code_that_is_not_mapped_ends_the_walk),
		cmocka_unit_test(a_stack_that_cannot_be_read_ends_the_walk),
		cmocka_unit_test(a_process_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
