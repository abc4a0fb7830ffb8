// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build cgo
// +build cgo

package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <unistd.h>

extern void waitInCallback(void);

static void pause_in_c(void)
{
	for (;;)
		pause();
}

static void wait_for_condition_in_c(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	for (;;)
		pthread_cond_wait(&condition, &mutex);
}

static void call_back(void)
{
	waitInCallback();
}
*/
import "C"

func init() {
	kinds = append(kinds,
		kind{"cgo_pause", repeat(func() { go pauseInC() })},
		kind{"cgo_condition", repeat(func() { go waitForConditionInC() })},
		kind{"cgo_callback", repeat(func() { go callBackFromC() })},
	)
}

//go:noinline
func pauseInC() { C.pause_in_c() }

//go:noinline
func waitForConditionInC() { C.wait_for_condition_in_c() }

//go:noinline
func callBackFromC() { C.call_back() }
