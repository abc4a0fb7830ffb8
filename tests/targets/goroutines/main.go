// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Goroutines parked in every way that the runtime has, and created in every way that a stack can
// show. Compiles with Go 1.15 to 1.24: what is younger stands in files with a build constraint.
// Protocol: ../README.md.
package main

import (
	"fmt"
	"os"
	"runtime"
)

// A kind starts goroutines and says how many; each stays parked for ever.
type kind struct {
	name  string
	start func() int
}

// Of all files; those with constraints add theirs in init.
var kinds []kind

var (
	per       = 2   // goroutines of each kind
	crowd     = 500 // goroutines of each crowd
	recursion = 200 // frames of the recursive kinds
)

// repeat calls start, which has the go statement, once for each goroutine of a kind.
func repeat(start func()) func() int {
	return func() int {
		for i := 0; i < per; i++ {
			start()
		}
		return per
	}
}

func run() {
	parse(map[string]*int{"per": &per, "crowd": &crowd, "recursion": &recursion})
	say("pid", os.Getpid())
	fmt.Printf("go=%s\n", runtime.Version())
	for _, kind := range kinds {
		fmt.Printf("goroutine=%s count=%d\n", kind.name, kind.start())
	}
	go announceReady()
	serve(func() { say("goroutines", runtime.NumGoroutine()) },
		func(command string) bool { return command == "go" || command == "stop" })
}

func main() {
	run()
}
