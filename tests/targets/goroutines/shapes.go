// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

// One kind for each shape of a stack: how a goroutine was created, and what stands between its
// start and where it waits.

import "sync"

func init() {
	kinds = append(kinds,
		kind{"closure", repeat(startClosure)},
		kind{"nested_closure", repeat(startNestedClosure)},
		kind{"method", repeat(func() { go (&gate{make(chan int)}).pass() })},
		kind{"value_method", repeat(func() { go valueGate{make(chan int)}.pass() })},
		kind{"method_value", repeat(startMethodValue)},
		kind{"method_expression", repeat(startMethodExpression)},
		kind{"interface_method", repeat(func() { go passer(&gate{make(chan int)}).pass() })},
		kind{"embedded_interface", repeat(startEmbedded)},
		kind{"pointer_wrapper", repeat(startPointerWrapper)},
		kind{"deferred", repeat(func() { go waitInDeferred(make(chan int)) })},
		kind{"deferred_loop", repeat(func() { go waitInDeferredLoop(make(chan int), 3) })},
		kind{"panic", repeat(func() { go waitInPanic(make(chan int)) })},
		kind{"fault", repeat(func() { go waitInFault(make(chan int), nil) })},
		kind{"recovered", repeat(func() { go waitAfterRecovery(make(chan int)) })},
		kind{"inlined_leaf", repeat(func() { go waitInlined(make(chan int)) })},
		kind{"inlined_callers", repeat(func() { go callInlined(make(chan int)) })},
		kind{"inlined_twice", repeat(func() { go waitInlinedTwice(make(chan int, 1)) })},
		kind{"inlined_mutex", repeat(startInlinedMutex)},
		kind{"inlined_go", repeat(func() { spawnInlined(make(chan int)) })},
		kind{"recursion", repeat(func() { go recurse(make(chan int), recursion) })},
		kind{"mutual_recursion", repeat(func() { go recurseEven(make(chan int), recursion/4) })},
		kind{"recursive_closure", repeat(startRecursiveClosure)},
		kind{"many_arguments", repeat(startManyArguments)},
		kind{"big_frame", repeat(func() { go waitInBigFrame(make(chan int)) })},
		kind{"grandchild", repeat(func() { go spawnAndWait(make(chan int)) })},
		kind{"orphan", repeat(startOrphan)},
	)
}

func startClosure() {
	c := make(chan int)
	go func() { <-c }()
}

func startNestedClosure() {
	c := make(chan int)
	func() {
		go func() {
			func() {
				c <- 1
			}()
		}()
	}()
}

type passer interface{ pass() }

type gate struct{ c chan int }

//go:noinline
func (g *gate) pass() { <-g.c }

type valueGate struct{ c chan int }

//go:noinline
func (g valueGate) pass() { <-g.c }

func startMethodValue() {
	pass := (&gate{make(chan int)}).pass
	go pass()
}

func startMethodExpression() {
	go (*gate).pass(&gate{make(chan int)})
}

// The compiler makes pass() of the outer ones: wrappers without source lines.
type embedding struct {
	passer
	_ int
}

type embeddingTwice struct {
	_ int
	embedding
}

//go:noinline
func passThrough(p passer) { p.pass() }

func startEmbedded() {
	go passThrough(embeddingTwice{embedding: embedding{passer: &gate{make(chan int)}}})
}

// The interface holds a pointer, the method wants the value.
func startPointerWrapper() {
	go passThrough(&valueGate{make(chan int)})
}

//go:noinline
func waitInDeferred(c chan int) {
	defer func() { <-c }()
	defer func() {}()
}

// Deferred in a loop: not open-coded.
//
//go:noinline
func waitInDeferredLoop(c chan int, count int) {
	for i := 0; i < count; i++ {
		defer receiveUnbuffered(c)
	}
}

//go:noinline
func waitInPanic(c chan int) {
	defer func() { <-c }()
	panic("a panic that waits")
}

//go:noinline
func waitInFault(c chan int, nowhere *gate) {
	defer func() { <-c }()
	nowhere.c = c
}

//go:noinline
func waitAfterRecovery(c chan int) {
	func() {
		defer func() { _ = recover() }()
		panic("a panic that ends")
	}()
	<-c
}

func inlineReceive3(c chan int) int { return <-c }
func inlineReceive2(c chan int) int { return inlineReceive3(c) + 2 }
func inlineReceive1(c chan int) int { return inlineReceive2(c) + 1 }

//go:noinline
func waitInlined(c chan int) { inlineReceive1(c) }

func inlineCall3(c chan int) { receiveUnbuffered(c) }
func inlineCall2(c chan int) { inlineCall3(c) }
func inlineCall1(c chan int) { inlineCall2(c) }

//go:noinline
func callInlined(c chan int) { inlineCall1(c) }

// The same function inlined at two places of one line, and parked in the second.
//
//go:noinline
func waitInlinedTwice(c chan int) {
	c <- 1
	_ = inlineReceive3(c) + inlineReceive3(c)
}

func lockInlined(mutex *sync.Mutex)   { mutex.Lock() }
func lockInlined2(mutex *sync.Mutex)  { lockInlined(mutex) }
func unlockInlined(mutex *sync.Mutex) { mutex.Unlock() }

//go:noinline
func waitInlinedMutex(mutex *sync.Mutex) {
	lockInlined2(mutex)
	defer unlockInlined(mutex)
}

func startInlinedMutex() {
	mutex := new(sync.Mutex)
	lockInlined2(mutex)
	go waitInlinedMutex(mutex)
}

// Inlined where the compiler can: older ones never do.
func spawnInlined(c chan int) { go receiveUnbuffered(c) }

//go:noinline
func recurse(c chan int, depth int) int {
	if depth <= 1 {
		return <-c
	}
	return recurse(c, depth-1) + 1
}

//go:noinline
func recurseEven(c chan int, depth int) int {
	if depth <= 1 {
		return <-c
	}
	return recurseOdd(c, depth-1) + 2
}

//go:noinline
func recurseOdd(c chan int, depth int) int {
	return recurseEven(c, depth-1) + 1
}

func startRecursiveClosure() {
	c := make(chan int)
	var descend func(int)
	descend = func(depth int) {
		if depth > 0 {
			descend(depth - 1)
		}
		<-c
	}
	go descend(10)
}

//go:noinline
func waitWithArguments(c chan int, a, b, d int, text string, list []string, any interface{},
	f func(), pair struct{ x, y int }, array [3]byte, number float64) {
	<-c
}

func startManyArguments() {
	go waitWithArguments(make(chan int), 1, 2, 3, "text (with) brackets", []string{"list"}, 4.5,
		func() {}, struct{ x, y int }{6, 7}, [3]byte{8, 9, 10}, 11.5)
}

// Its stack must grow, and moves.
//
//go:noinline
func waitInBigFrame(c chan int) byte {
	var frame [64 << 10]byte
	frame[<-c] = 1
	return frame[0]
}

//go:noinline
func spawnAndWait(c chan int) {
	go receiveUnbuffered(c)
	<-c
}

// Its creator is gone.
func startOrphan() {
	born := make(chan bool)
	go func() {
		go sendUnbuffered(make(chan int), 2)
		born <- true
	}()
	<-born
}
