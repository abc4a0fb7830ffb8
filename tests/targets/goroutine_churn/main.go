// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Goroutines that come and go as fast as they can while some leak: for readers of a runtime in
// motion. GOGC=1 in the environment makes the collector scan and shrink stacks all the time.
// Protocol: ../README.md.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var (
	loops    = 8
	leakPerS = 100
	depth    = 10 // frames of each short-lived goroutine
	standing = 0  // goroutines that stand from the start
)

var (
	running         int32
	spawned, leaked int64
)

//go:noinline
func descend(level int, done *sync.WaitGroup, turn chan int) {
	if level > 0 {
		descend(level-1, done, turn)
		return
	}
	turn <- 1
	done.Done()
}

// spawnForEver parks on a channel now and then, as its goroutines do.
func spawnForEver() {
	var done sync.WaitGroup
	turn := make(chan int)
	for atomic.LoadInt32(&running) != 0 {
		done.Add(1)
		go descend(depth, &done, turn)
		<-turn
		done.Wait()
		atomic.AddInt64(&spawned, 1)
	}
}

//go:noinline
func waitForReply(reply chan int) { reply <- 1 }

//go:noinline
func standStill(release chan int) { <-release }

// leakForEver catches up with the clock, so that the rate holds on a loaded machine.
func leakForEver(perS int) {
	start, own := time.Now(), 0
	for atomic.LoadInt32(&running) != 0 {
		for ; own < int(time.Since(start).Seconds()*float64(perS)); own++ {
			go waitForReply(make(chan int))
			atomic.AddInt64(&leaked, 1)
		}
		time.Sleep(time.Millisecond)
	}
}

func start() {
	if !atomic.CompareAndSwapInt32(&running, 0, 1) {
		return
	}
	for i := 0; i < loops; i++ {
		go spawnForEver()
	}
	if leakPerS > 0 {
		go leakForEver(leakPerS)
	}
}

func main() {
	parse(map[string]*int{"loops": &loops, "leak_per_s": &leakPerS, "depth": &depth, "standing": &standing})
	say("pid", os.Getpid())
	fmt.Printf("go=%s\n", runtime.Version())
	for i := 0; i < standing; i++ {
		go standStill(make(chan int))
	}
	go announceReady()
	serve(func() {
		say("goroutines", runtime.NumGoroutine())
		say("spawned", int(atomic.LoadInt64(&spawned)))
		say("leaked", int(atomic.LoadInt64(&leaked)))
	}, func(command string) bool {
		switch command {
		case "go":
			start()
		case "stop":
			atomic.StoreInt32(&running, 0)
		default:
			return false
		}
		return true
	})
}
