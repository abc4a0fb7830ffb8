// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A program that lies to whoever reads its runtime from outside: it points runtime.allgs to tables
// of its own, in which the honest goroutines stand beside invented ones. Go 1.19 only.
// Protocol: ../README.md; "lie KIND" instead of "go".
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"
)

var (
	crowd = 500     // honest goroutines
	count = 100000  // of what is invented
	every = 1000000 // ns between the moves of the lie "moving"
)

// slice is runtime.slice.
type slice struct {
	pointer, length, capacity uintptr
}

// The linker makes it the runtime's own.
//
//go:linkname allgs runtime.allgs
var allgs slice

// What allgs was. Not in one piece: parkscope looks for a slice of goroutines where it cannot believe
// allgs, and would find it here.
var honest *slice

//go:noinline
func waitForReply(reply chan<- int) { reply <- 1 }

func startHonest() {
	for i := 0; i < crowd; i++ {
		go waitForReply(make(chan int))
	}
}

// mover is there before the lies begin: a new goroutine would be entered in the wrong list.
func mover(tables <-chan []slice) {
	moving := <-tables
	for i := 0; ; i++ {
		allgs.pointer = moving[i%len(moving)].pointer
		time.Sleep(time.Duration(every))
	}
}

func lie(kind string, tables chan<- []slice) bool {
	made := *honest
	switch kind {
	case "none":
	case "length_huge":
		made.length, made.capacity = 1<<60, 1<<60
	case "length_beyond_limit":
		made.length, made.capacity = 1<<24+5, 1<<24+5
	case "length_beyond_capacity":
		made.capacity = made.length - 1
	case "array_unmapped":
		made.pointer = 0x10000
	case "array_misaligned":
		made.pointer++
	case "moving":
		one, other := invent("fakes"), invent("fakes")
		tables <- []slice{one, other}
		made = one
	default:
		made = invent(kind)
		if made.length == 0 {
			return false
		}
	}
	// The length last: the array is there by then.
	allgs.pointer, allgs.capacity = made.pointer, made.capacity
	allgs.length = made.length
	fmt.Printf("lie=%s\n", kind)
	return true
}

func main() {
	tables := make(chan []slice, 1)

	debug.SetGCPercent(-1)
	parse(map[string]*int{"crowd": &crowd, "count": &count, "every": &every})
	say("pid", os.Getpid())
	fmt.Printf("go=%s\n", runtime.Version())
	if !strings.HasPrefix(runtime.Version(), "go1.19") {
		fail("the offsets here are those of Go 1.19")
	}
	startHonest()
	go mover(tables)
	go announceReady()
	serve(func() {
		say("crowd", crowd)
	}, func(command string) bool {
		if honest == nil {
			honest = &slice{allgs.pointer, allgs.length, allgs.capacity}
			readTemplate(*(*uintptr)(unsafe.Pointer(honest.pointer)))
		}
		return strings.HasPrefix(command, "lie ") && lie(strings.TrimPrefix(command, "lie "), tables)
	})
}
