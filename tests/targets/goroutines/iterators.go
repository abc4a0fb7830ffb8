// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build go1.23
// +build go1.23

package main

import "iter"

func init() {
	kinds = append(kinds,
		kind{"range_function", repeat(func() { go rangeOverFunction(make(chan int)) })},
		kind{"coroutine", repeat(startCoroutine)},
	)
}

//go:noinline
func numbers(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

//go:noinline
func rangeOverFunction(c chan int) {
	for i := range numbers {
		c <- i
	}
}

// What pulls from an iterator and what is pulled take turns; each is parked as a coroutine.
var pulled []func() (int, bool)

func startCoroutine() {
	next, _ := iter.Pull(iter.Seq[int](numbers))
	next()
	pulled = append(pulled, next)
}
