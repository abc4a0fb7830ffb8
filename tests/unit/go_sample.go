// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A program whose build info and DWARF unit tests read. It is never run.
package main

import "sync"

func main() {
	var group sync.WaitGroup
	results := make(chan int, 1)
	group.Add(1)
	go func() {
		defer group.Done()
		results <- 1
	}()
	group.Wait()
	println(<-results)
}
