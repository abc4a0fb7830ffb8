// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

func init() {
	kinds = append(kinds,
		kind{"generic_function", repeat(func() { go receiveGeneric(make(chan int)) })},
		kind{"generic_pointers", repeat(func() { go receiveGeneric(make(chan *gate)) })},
		kind{"generic_method", repeat(func() { go (&box[string]{make(chan string)}).put("value") })},
		kind{"generic_inlined", repeat(func() { go waitInlinedGeneric(make(chan []byte)) })},
		kind{"generic_closure", repeat(func() { startGenericClosure(make(chan float64)) })},
		kind{"generic_interface", repeat(func() { go passThrough(generalGate[gate]{make(chan gate)}) })},
	)
}

//go:noinline
func receiveGeneric[T any](c chan T) T { return <-c }

type box[T comparable] struct{ c chan T }

//go:noinline
func (b *box[T]) put(value T) { b.c <- value }

func inlineGeneric[T any](c chan T) T { return <-c }

//go:noinline
func waitInlinedGeneric(c chan []byte) []byte { return inlineGeneric(c) }

//go:noinline
func startGenericClosure[T any](c chan T) {
	go func() { <-c }()
}

type generalGate[T any] struct{ c chan T }

//go:noinline
func (g generalGate[T]) pass() { <-g.c }
