// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_stack.h"

#include "go_process_fixture.h"

enum {
	STACK_SIZE = 1 << 20,
	PC = 0x400000, /* Go code: from here to twice that */
	GOEXIT = 0x700001,
	WORD = sizeof(uint64_t),
	/* Those of goroutine_stack.c. */
	WINDOW_SIZE = 2048,
	WINDOWS_MAX = 64,
};

static struct {
	uint8_t *memory; /* the stack; then the runtime.g */
	uint64_t lo, hi;
	uint8_t *g;
	struct goroutine goroutine;
	struct goroutine_stack stack;
} fake;

static int set_up(void **state)
{
	(void)state;
	fake_go_init(24);
	fake_go.code_start = PC;
	fake_go.code_end = 2 * PC;
	fake_go.goexit = GOEXIT;
	fake.memory = fake_memory(STACK_SIZE + 4096);
	fake.lo = address_of(fake.memory);
	fake.hi = fake.lo + STACK_SIZE;
	fake.g = fake.memory + STACK_SIZE;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(fake.memory, STACK_SIZE + 4096);
	return 0;
}

static uint64_t *word(uint64_t address)
{
	return (uint64_t *)(uintptr_t)address;
}

/* A goroutine that stands `depth` bytes below the top of its stack. */
static uint64_t park(uint32_t status, size_t depth, uint64_t bp)
{
	const struct go_layout *layout = &fake_go.layout;
	bool in_syscall = status == GO_STATUS_SYSCALL;
	uint64_t sp = fake.hi - depth;

	put_goroutine(fake.g, fake.hi, 1, fake.lo, fake.hi, sp);
	put_status(fake.g, status);
	put_word(fake.g, in_syscall ? layout->g.syscall_sp : layout->g.sched_sp, sp);
	put_word(fake.g, in_syscall ? layout->g.syscall_pc : layout->g.sched_pc, PC);
	if (!in_syscall || layout->g.syscall_bp != GO_FIELD_NONE)
		put_word(fake.g, in_syscall ? layout->g.syscall_bp : layout->g.sched_bp, bp);
	assert_int_equal(goroutine_parse(layout, fake.hi, fake.g, &fake.goroutine), 0);
	return sp;
}

/* A frame's saved frame pointer, and above it where it returns to. */
static void put_frame(uint64_t at, uint64_t bp, uint64_t pc)
{
	*word(at) = bp;
	*word(at + WORD) = pc;
}

/* `count` frames of `size` bytes, then goexit. Returns the frame pointer to start with. */
static uint64_t put_frames(size_t count, size_t size)
{
	uint64_t bp = fake.hi - 2 * WORD;

	put_frame(bp, 0, GOEXIT);
	for (size_t i = 0; i < count; i++) {
		put_frame(bp - size, bp, PC + count - i);
		bp -= size;
	}
	return bp;
}

static void assert_stack(enum goroutine_stack_end end, size_t count)
{
	memset(&fake.stack, 0x5a, sizeof(fake.stack));
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), 0);
	assert_int_equal(fake.stack.end, end);
	assert_int_equal(fake.stack.count, count);
	/* put_frames() counts them, the leaf first. */
	for (size_t i = 0; i < count; i++)
		assert_int_equal(fake.stack.frames[i], PC + i);
}

static void frame_pointers_lead_to_goexit(void **state)
{
	uint64_t bp = put_frames(5, 48);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp + 24, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 6);
	/* The stack at once, and the header again. */
	assert_int_equal(fake_go.reads, 2);
	park(GO_STATUS_RUNNABLE, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 6);
	park(GO_STATUS_PREEMPTED, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 6);
	park(GO_STATUS_SYSCALL, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 6);
}

static void a_frame_pointer_of_zero_is_the_end(void **state)
{
	uint64_t bp = put_frames(3, 32);

	(void)state;
	put_frame(fake.hi - 2 * WORD - 32, 0, PC + 3);
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 4);
	park(GO_STATUS_WAITING, 64, 0);
	assert_stack(GOROUTINE_STACK_WHOLE, 1);
}

static void what_runs_has_no_stack(void **state)
{
	uint64_t bp = put_frames(3, 32);

	(void)state;
	park(GO_STATUS_RUNNING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_RUNNING, 0);
	park(GO_STATUS_COPYSTACK, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_RUNNING, 0);
	assert_int_equal(fake_go.reads, 0);
}

static void frame_pointers_that_lead_nowhere(void **state)
{
	uint64_t pc, bp = put_frames(4, 64), last = fake.hi - 2 * WORD - 64,
		     bad[] = {
			     bp,          /* a circle */
			     last,        /* to itself */
			     last - WORD, /* downwards */
			     bp + 4,      /* not aligned */
			     last + 20,   /* not aligned, upwards */
			     fake.hi,     /* outside, and the same by one word: */
			     fake.hi - WORD,
			     fake.hi + 64,
			     fake.lo - 64,
			     UINT64_MAX,
			     UINT64_MAX - 15,
			     1,
		     };

	(void)state;
	/* Where that which is not aligned leads to, there would be code. */
	pc = PC + 9;
	memcpy(fake.memory + (last + 20 + WORD - fake.lo), &pc, sizeof(pc));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		*word(last) = bad[i];
		park(GO_STATUS_WAITING, fake.hi - bp, bp);
		assert_stack(GOROUTINE_STACK_BAD_FRAME, 5);
	}
}

static void return_addresses_are_in_go_code(void **state)
{
	static const uint64_t bad[] = {0, 1, PC - 1, 2 * PC, UINT64_MAX};
	uint64_t bp = put_frames(4, 64);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		*word(bp + 64 + WORD) = bad[i];
		assert_stack(GOROUTINE_STACK_BAD_FRAME, 2);
	}
	put_word(fake.g, fake_go.layout.g.sched_pc, 2 * PC);
	fake.goroutine.pc = 2 * PC;
	assert_stack(GOROUTINE_STACK_BAD_FRAME, 0);
}

static void depth_is_limited(void **state)
{
	uint64_t bp = put_frames(GOROUTINE_FRAMES_MAX - 1, 16);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, GOROUTINE_FRAMES_MAX);
	bp = put_frames(GOROUTINE_FRAMES_MAX, 16);
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_TOO_DEEP, GOROUTINE_FRAMES_MAX);
}

static void deep_stacks_take_several_reads(void **state)
{
	uint64_t bp = put_frames(300, 64);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 301);
	assert_true(fake_go.reads <= 300 * 64 / (WINDOW_SIZE - 64) + 3);
	/* A frame and its return address beside the border of what was read. */
	for (size_t shift = 0; shift < 4 * WORD; shift += WORD) {
		fake_go.reads = 0;
		park(GO_STATUS_WAITING, fake.hi - bp + shift, bp);
		assert_stack(GOROUTINE_STACK_WHOLE, 301);
	}
}

static void bytes_of_stack_are_limited(void **state)
{
	uint64_t bp = put_frames(60, 8192);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 61);
	bp = put_frames(100, 8192);
	fake_go.reads = 0;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	/* Each frame has a window; that of the leaf was read first. */
	assert_stack(GOROUTINE_STACK_TOO_DEEP, WINDOWS_MAX + 1);
	assert_int_equal(fake_go.reads, WINDOWS_MAX + 1);
}

static void what_is_not_mapped_is_said(void **state)
{
	uint64_t bp = put_frames(10, 4096);

	(void)state;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_int_equal(mprotect(fake.memory + STACK_SIZE - 8192, 8192, PROT_NONE), 0);
	assert_stack(GOROUTINE_STACK_MEMORY, 10);
	munmap(fake.memory, STACK_SIZE);
	assert_stack(GOROUTINE_STACK_MEMORY, 1);
}

/* Frames of 40 bytes, with the return address above, none without code. */
static int frame_of_40(uint64_t address, uint64_t *size)
{
	if (!go_process_has_code(FAKE_GO, address))
		return -ENOENT;
	*size = 40;
	return 0;
}

static int frame_of_nothing(uint64_t address, uint64_t *size)
{
	(void)address;
	*size = 0;
	return 0;
}

static int frame_beyond_all(uint64_t address, uint64_t *size)
{
	(void)address;
	*size = UINT64_MAX - 7;
	return 0;
}

/* Before Go 1.23 nothing tells the frame pointer of a system call. */
static void system_calls_start_by_the_size_of_their_frame(void **state)
{
	uint64_t bp;

	(void)state;
	fake_go.frame_size = frame_of_40;
	for (uint32_t minor = 22; minor <= 23; minor++) {
		struct go_version version = {.minor = minor};

		fake_go.layout = *go_layout_find(&version);
		bp = put_frames(4, 48);
		/* The return address is 40 above it, the frame pointer below that. */
		park(GO_STATUS_SYSCALL, fake.hi - bp - WORD + 40, 0);
		assert_stack(GOROUTINE_STACK_WHOLE, 5);
		/* The outermost frame: it has no caller by the frame pointer. */
		put_frame(bp + 48, 0, PC + 2);
		assert_stack(GOROUTINE_STACK_WHOLE, 3);
		fake_go.frame_size = NULL;
		assert_stack(GOROUTINE_STACK_BAD_FRAME, 1);
		fake_go.frame_size = frame_of_40;
	}
}

/* Callbacks from C leave the frame pointer of another stack. */
static void foreign_frame_pointers_are_passed_over(void **state)
{
	uint64_t bp = put_frames(6, 48);

	(void)state;
	fake_go.frame_size = frame_of_40;
	*word(bp + 48) = 0x7fffff001000;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_stack(GOROUTINE_STACK_WHOLE, 7);
	fake_go.frame_size = frame_beyond_all;
	assert_stack(GOROUTINE_STACK_BAD_FRAME, 3);
	fake_go.frame_size = NULL;
	assert_stack(GOROUTINE_STACK_BAD_FRAME, 3);
}

/* Functions without a frame leave the frame pointer to their callers, so that it is unknown. */
static void frames_of_no_size_end(void **state)
{
	(void)state;
	fake_go.frame_size = frame_of_nothing;
	for (uint64_t at = fake.hi - 64; at < fake.hi; at += WORD)
		*word(at) = PC + (at - (fake.hi - 64)) / WORD + 1;
	park(GO_STATUS_SYSCALL, 64, 0);
	/* Up to the end of the stack, above which there is nothing. */
	assert_stack(GOROUTINE_STACK_BAD_FRAME, 9);
	*word(fake.hi - 32) = GOEXIT;
	assert_stack(GOROUTINE_STACK_WHOLE, 5);
}

static uint64_t changed_word;

static void change_before_the_last_read(size_t number)
{
	if (number == 2)
		put_word(fake.g, changed_word, fake.hi - 8);
}

static void kill_before_the_last_read(size_t number)
{
	if (number == 2)
		put_status(fake.g, GO_STATUS_DEAD);
}

static void unmap_before_the_last_read(size_t number)
{
	if (number == 2)
		munmap(fake.g, 4096);
}

static void what_moved_meanwhile_is_stale(void **state)
{
	const struct go_layout *layout = &fake_go.layout;
	const uint16_t changes[] = {layout->g.sched_sp, layout->g.sched_pc, layout->g.goid,
				    layout->g.waiting, layout->g.sched_g};
	uint64_t bp = put_frames(3, 32);

	(void)state;
	fake_go.before_read = change_before_the_last_read;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		fake_go.reads = 0;
		changed_word = changes[i];
		park(GO_STATUS_WAITING, fake.hi - bp, bp);
		assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack),
				 -ESTALE);
	}
	fake_go.reads = 0;
	fake_go.before_read = kill_before_the_last_read;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), -ESTALE);
	fake_go.reads = 0;
	fake_go.before_read = unmap_before_the_last_read;
	park(GO_STATUS_WAITING, fake.hi - bp, bp);
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), -ESTALE);
}

/* What goroutine_parse() lets pass: a stack at either end of all addresses. */
static void absurd_stacks_are_harmless(void **state)
{
	(void)state;
	park(GO_STATUS_WAITING, 64, fake.hi - 16);
	fake.goroutine.stack_hi = UINT64_MAX;
	/* The return address would be at 0. */
	fake.goroutine.bp = UINT64_MAX - 7;
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), 0);
	assert_int_equal(fake.stack.end, GOROUTINE_STACK_BAD_FRAME);
	fake_go.frame_size = frame_of_40;
	fake.goroutine.sp = UINT64_MAX - 8;
	fake.goroutine.bp = UINT64_MAX - 7;
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), -ESTALE);
	assert_int_equal(fake.stack.end, GOROUTINE_STACK_MEMORY);
	fake.goroutine.stack_lo = fake.goroutine.sp = 0;
	fake.goroutine.stack_hi = 4;
	fake.goroutine.bp = 2;
	assert_int_equal(goroutine_stack_read(FAKE_GO, &fake.goroutine, &fake.stack), -ESTALE);
	assert_int_equal(fake.stack.end, GOROUTINE_STACK_MEMORY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(frame_pointers_lead_to_goexit),
		TEST(a_frame_pointer_of_zero_is_the_end),
		TEST(what_runs_has_no_stack),
		TEST(frame_pointers_that_lead_nowhere),
		TEST(return_addresses_are_in_go_code),
		TEST(depth_is_limited),
		TEST(deep_stacks_take_several_reads),
		TEST(bytes_of_stack_are_limited),
		TEST(what_is_not_mapped_is_said),
		TEST(system_calls_start_by_the_size_of_their_frame),
		TEST(foreign_frame_pointers_are_passed_over),
		TEST(frames_of_no_size_end),
		TEST(what_moved_meanwhile_is_stale),
		TEST(absurd_stacks_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
