// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// parked_goroutines parks n goroutines for ever, five frames deep, and measures what
// looking at them costs, on command (see run).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

//go:noinline
func waitForReply(reply chan int) int { return <-reply }

//go:noinline
func readRow(reply chan int) int { return waitForReply(reply) + 1 }

//go:noinline
func runQuery(reply chan int) int { return readRow(reply) + 1 }

//go:noinline
func loadAccount(reply chan int) int { return runQuery(reply) + 1 }

//go:noinline
func serveSession(reply chan int) { loadAccount(reply) }

// park returns when all n goroutines run or have parked; they park within microseconds.
func park(n int) {
	var begun int64
	for i := 0; i < n; i++ {
		go func() {
			atomic.AddInt64(&begun, 1)
			serveSession(make(chan int))
		}()
	}
	for atomic.LoadInt64(&begun) < int64(n) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
}

// longestGap looks at the clock all the time until the end, and says how long it could not.
func longestGap(ended func(now time.Time) bool) time.Duration {
	var longest time.Duration
	last := time.Now()
	for !ended(last) {
		now := time.Now()
		if now.Sub(last) > longest {
			longest = now.Sub(last)
		}
		last = now
	}
	return longest
}

func spin(seconds int) {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	gap := longestGap(func(now time.Time) bool { return now.After(end) })
	fmt.Printf("gap_us=%d\n", gap.Microseconds())
}

// pingPong says what one trip there and back between two goroutines takes: two parks.
func pingPong(seconds int) {
	const batch = 10000
	ping, pong := make(chan int), make(chan int)
	go func() {
		for value := range ping {
			pong <- value
		}
	}()
	defer close(ping)
	begin := time.Now()
	trips := 0
	for time.Since(begin) < time.Duration(seconds)*time.Second {
		for i := 0; i < batch; i++ {
			ping <- i
			<-pong
		}
		trips += batch
	}
	fmt.Printf("ns_per_op=%d\n", time.Since(begin).Nanoseconds()/int64(trips))
}

type byteCounter int64

func (c *byteCounter) Write(p []byte) (int, error) {
	*c += byteCounter(len(p))
	return len(p), nil
}

// debug2 is what the program itself prints at /debug/pprof/goroutine?debug=2, and the gap that a
// goroutine beside sees.
func debug2() error {
	var done int32
	gap := make(chan time.Duration)
	go func() {
		gap <- longestGap(func(time.Time) bool { return atomic.LoadInt32(&done) == 1 })
	}()
	time.Sleep(50 * time.Millisecond)
	var size byteCounter
	begin := time.Now()
	err := pprof.Lookup("goroutine").WriteTo(&size, 2)
	total := time.Since(begin)
	atomic.StoreInt32(&done, 1)
	fmt.Printf("debug2_us=%d debug2_gap_us=%d bytes=%d\n", total.Microseconds(), (<-gap).Microseconds(), size)
	return err
}

var (
	started  = time.Now()
	answered int64
)

type question struct {
	order  string
	answer chan string
}

// serve answers HTTP beside the parked goroutines: each request waits for one of a few workers.
func serve() error {
	questions := make(chan question)
	for i := 0; i < 8; i++ {
		go func() {
			for asked := range questions {
				asked.answer <- strings.ToUpper(asked.order)
			}
		}()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		asked := question{r.URL.Query().Get("order"), make(chan string)}
		questions <- asked
		json.NewEncoder(w).Encode(map[string]string{"order": <-asked.answer})
		atomic.AddInt64(&answered, 1)
	}
	go func() { fail(http.Serve(listener, http.HandlerFunc(handle))) }()
	fmt.Printf("url=http://%s/\n", listener.Addr())
	return nil
}

func run(command string) error {
	words := strings.Fields(command)
	seconds := 1
	if len(words) == 2 {
		var err error
		if seconds, err = strconv.Atoi(words[1]); err != nil {
			return err
		}
	}
	switch {
	case len(words) == 0 || len(words) > 2:
		return fmt.Errorf("%q is no command", command)
	case words[0] == "serve":
		return serve()
	case words[0] == "report":
		// The origin is this program's own: what counts are differences.
		fmt.Printf("monotonic_ns=%d\nrequests=%d\nend\n", time.Since(started).Nanoseconds(),
			atomic.LoadInt64(&answered))
	case words[0] == "debug2":
		return debug2()
	case words[0] == "pingpong":
		pingPong(seconds)
	case words[0] == "spin":
		spin(seconds)
	case words[0] == "count":
		fmt.Printf("goroutines=%d\n", runtime.NumGoroutine())
	default:
		return fmt.Errorf("%q is no command: serve, report, debug2, pingpong SECONDS, spin SECONDS, count", command)
	}
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "parked_goroutines:", err)
	os.Exit(1)
}

// main takes n=NUMBER, and commands from stdin until its end.
func main() {
	if len(os.Args) != 2 || !strings.HasPrefix(os.Args[1], "n=") {
		fail(fmt.Errorf("usage: parked_goroutines n=NUMBER"))
	}
	n, err := strconv.Atoi(strings.TrimPrefix(os.Args[1], "n="))
	if err != nil {
		fail(err)
	}
	fmt.Printf("pid=%d\n", os.Getpid())
	park(n)
	fmt.Println("ready")
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		if err := run(commands.Text()); err != nil {
			fail(err)
		}
	}
}
