// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

// Crowds that a goroutine profile cannot tell apart and a look at what they wait for can.

import "sync"

const queueCapacity = 16

func init() {
	kinds = append(kinds,
		kind{"crowd_workers", startWorkers},
		kind{"crowd_leak", startLeak},
		kind{"crowd_back_pressure", startBackPressure},
		kind{"crowd_convoy", startConvoy},
		kind{"crowd_stuck", startStuck},
	)
}

//go:noinline
func work(jobs <-chan int) {
	for range jobs {
	}
}

// A pool: all wait for the same channel.
func startWorkers() int {
	jobs := make(chan int)
	for i := 0; i < crowd; i++ {
		go work(jobs)
	}
	return crowd
}

//go:noinline
func answer(reply chan<- int) { reply <- 42 }

// A leak: each wants to answer someone who has gone.
func startLeak() int {
	for i := 0; i < crowd; i++ {
		go answer(make(chan int))
	}
	return crowd
}

//go:noinline
func submit(queue chan<- int, job int) { queue <- job }

// Back-pressure: all wait for room in the same queue.
func startBackPressure() int {
	queue := make(chan int, queueCapacity)
	for len(queue) < cap(queue) {
		queue <- 0
	}
	for i := 0; i < crowd; i++ {
		go submit(queue, i)
	}
	return crowd
}

//go:noinline
func enter(lock *sync.Mutex) { lock.Lock() }

// A convoy: all wait for the same mutex, whose holder does not come back.
func startConvoy() int {
	lock := new(sync.Mutex)
	lock.Lock()
	for i := 0; i < crowd; i++ {
		go enter(lock)
	}
	return crowd
}

//go:noinline
func join(parts *sync.WaitGroup) { parts.Wait() }

// Each waits for parts of its own that do not end.
func startStuck() int {
	for i := 0; i < crowd; i++ {
		parts := new(sync.WaitGroup)
		parts.Add(1)
		go join(parts)
	}
	return crowd
}
