// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A program whose build info and DWARF unit tests read. The others start it: then it says
// "ready" when three goroutines are parked, and lives until its standard input ends.
package main

import (
	"os"
	"sync"
	"time"
)

func main() {
	var started sync.WaitGroup
	results := make(chan int)
	for i := 0; i < 3; i++ {
		started.Add(1)
		go func() {
			started.Done()
			results <- 1
		}()
	}
	started.Wait()
	// They are on their way to the channel.
	time.Sleep(20 * time.Millisecond)
	os.Stdout.WriteString("ready\n")
	os.Stdin.Read(make([]byte, 1))
}
