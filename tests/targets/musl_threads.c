/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads parked in musl, whose library has no call frame information: only return addresses on the
 * stack tell where they came from. On its own, without target.c: that is built for another C
 * library.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int standing;

__attribute__((noinline, noclone)) static void wait_for_ever(void)
{
	pthread_mutex_lock(&lock);
	standing++;
	for (;;)
		pthread_cond_wait(&condition, &lock);
}

static void *run(void *argument)
{
	wait_for_ever();
	return argument;
}

static int all_stand(void)
{
	int all;

	/* Who waits for the condition has given the lock back. */
	pthread_mutex_lock(&lock);
	all = standing == THREADS;
	pthread_mutex_unlock(&lock);
	return all;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, run, NULL))
			return 1;
	while (!all_stand())
		usleep(1000);
	printf("pid=%d\nthreads=%d\nready\n", (int)getpid(), THREADS);
	fflush(stdout);
	pause();
	return 0;
}
