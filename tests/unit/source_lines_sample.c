// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Built with -g -O2 whatever the rest is built with: test_source_lines.c compares what
 * it finds at each address of outer() with addr2line(1).
 */
static volatile int sink;

static inline __attribute__((always_inline)) void innermost(int value)
{
	sink = value * sink;
	sink++;
}

static inline __attribute__((always_inline)) void middle(int value)
{
	for (int i = 0; i < value; i++)
		innermost(i);
	sink = 7;
}

int outer(int value);

__attribute__((noinline)) int outer(int value)
{
	sink = value;
	middle(value);
	innermost(value + sink);
	return sink;
}

int main(int argc, char **argv)
{
	(void)argv;
	return outer(argc);
}
