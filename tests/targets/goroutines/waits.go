// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

// One kind for each way to wait. The functions that wait are named after the wait.

import (
	"context"
	"fmt"
	"io/ioutil"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

const ages = 1000 * time.Hour

func init() {
	kinds = append(kinds,
		kind{"chan_send_unbuffered", repeat(func() { go sendUnbuffered(make(chan int), 1) })},
		kind{"chan_send_full", repeat(func() { go sendFull(make(chan string, 3)) })},
		kind{"chan_send_nil", repeat(func() { go sendNil(nil) })},
		kind{"chan_receive_unbuffered", repeat(func() { go receiveUnbuffered(make(chan int)) })},
		kind{"chan_receive_buffered", repeat(func() { go receiveBuffered(make(chan [100]byte, 4)) })},
		kind{"chan_receive_nil", repeat(func() { go receiveNil(nil) })},
		kind{"chan_range", repeat(func() { go rangeOver(make(chan error)) })},
		kind{"select", repeat(func() { go selectMany(make(chan int), make(chan int, 1), nil) })},
		kind{"select_one_timer", repeat(func() { go selectTimer(make(chan int)) })},
		kind{"select_no_cases", repeat(func() { go selectNothing() })},
		kind{"sleep", repeat(func() { go sleepForAges() })},
		kind{"timer", repeat(func() { go waitForTimer(time.NewTimer(ages)) })},
		kind{"ticker", repeat(func() { go waitForTicker(time.NewTicker(ages)) })},
		kind{"after_func", repeat(startAfterFunc)},
		kind{"mutex", repeat(startMutex)},
		kind{"rwmutex_read", repeat(startReader)},
		kind{"rwmutex_write", repeat(startWriter)},
		kind{"once", startOnce},
		kind{"waitgroup", repeat(startWaitGroup)},
		kind{"cond", repeat(startCond)},
		kind{"context", repeat(startContext)},
		kind{"net_accept", repeat(startAccept)},
		kind{"net_read", repeat(startNetRead)},
		kind{"pipe_read", repeat(startPipeRead)},
		kind{"pipe_write", repeat(startPipeWrite)},
		kind{"syscall_read", repeat(startSyscallRead)},
		kind{"syscall_flock", repeat(startFlock)},
		kind{"locked_thread", repeat(func() { go waitLocked(make(chan int)) })},
		kind{"labels", repeat(func() { go waitLabelled(make(chan int)) })},
		kind{"finalizer", startFinalizer},
	)
}

//go:noinline
func sendUnbuffered(c chan int, value int) { c <- value }

//go:noinline
func sendFull(c chan string) {
	for {
		c <- "one more"
	}
}

//go:noinline
func sendNil(c chan int) { c <- 1 }

//go:noinline
func receiveUnbuffered(c chan int) { <-c }

//go:noinline
func receiveBuffered(c chan [100]byte) [100]byte { return <-c }

//go:noinline
func receiveNil(c chan int) { <-c }

//go:noinline
func rangeOver(c chan error) {
	for err := range c {
		fail("nobody sends this: %v", err)
	}
}

//go:noinline
func selectMany(a, b, c chan int) {
	b <- 0
	select {
	case <-a:
	case b <- 1:
	case value, open := <-c:
		fail("nobody sends this: %v %v", value, open)
	}
}

//go:noinline
func selectTimer(c chan int) {
	select {
	case <-c:
	case <-time.After(ages):
	}
}

//go:noinline
func selectNothing() { select {} }

//go:noinline
func sleepForAges() { time.Sleep(ages) }

//go:noinline
func waitForTimer(timer *time.Timer) { <-timer.C }

//go:noinline
func waitForTicker(ticker *time.Ticker) { <-ticker.C }

// The runtime's timer code creates the goroutine.
func startAfterFunc() {
	c := make(chan int)
	time.AfterFunc(0, func() { receiveUnbuffered(c) })
}

//go:noinline
func lockMutex(mutex *sync.Mutex) { mutex.Lock() }

func startMutex() {
	mutex := new(sync.Mutex)
	mutex.Lock()
	go lockMutex(mutex)
}

//go:noinline
func lockForReading(mutex *sync.RWMutex) { mutex.RLock() }

func startReader() {
	mutex := new(sync.RWMutex)
	mutex.Lock()
	go lockForReading(mutex)
}

//go:noinline
func lockForWriting(mutex *sync.RWMutex) { mutex.Lock() }

func startWriter() {
	mutex := new(sync.RWMutex)
	mutex.RLock()
	go lockForWriting(mutex)
}

//go:noinline
func doOnce(once *sync.Once, entered *sync.WaitGroup) {
	entered.Done()
	once.Do(func() { select {} })
}

// One is in the function, the others wait for it.
func startOnce() int {
	var once sync.Once
	var entered sync.WaitGroup
	for i := 0; i < per+1; i++ {
		entered.Add(1)
		go doOnce(&once, &entered)
		entered.Wait()
	}
	return per + 1
}

//go:noinline
func waitForGroup(group *sync.WaitGroup) { group.Wait() }

func startWaitGroup() {
	group := new(sync.WaitGroup)
	group.Add(1)
	go waitForGroup(group)
}

//go:noinline
func waitForCondition(condition *sync.Cond) {
	condition.L.Lock()
	condition.Wait()
}

func startCond() {
	go waitForCondition(sync.NewCond(new(sync.Mutex)))
}

//go:noinline
func waitForContext(ctx context.Context) { <-ctx.Done() }

// The cancel functions, which nobody calls.
var cancels []context.CancelFunc

func startContext() {
	ctx, cancel := context.WithTimeout(context.Background(), ages)
	cancels = append(cancels, cancel)
	go waitForContext(ctx)
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail("%v", err)
	}
	return listener
}

// Files and connections stay open as long as they can be reached.
var open []interface{}

//go:noinline
func acceptConnection(listener net.Listener) {
	connection, err := listener.Accept()
	fail("nobody connects: %v %v", connection, err)
}

func startAccept() {
	listener := listen()
	open = append(open, listener)
	go acceptConnection(listener)
}

//go:noinline
func readConnection(connection net.Conn) {
	var byte [1]byte
	_, err := connection.Read(byte[:])
	fail("nobody writes: %v", err)
}

func startNetRead() {
	listener := listen()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		fail("%v", err)
	}
	open = append(open, listener, client)
	go readConnection(client)
}

func pipe() (*os.File, *os.File) {
	reader, writer, err := os.Pipe()
	if err != nil {
		fail("%v", err)
	}
	open = append(open, reader, writer)
	return reader, writer
}

//go:noinline
func readPipe(reader *os.File) {
	_, err := ioutil.ReadAll(reader)
	fail("nobody writes: %v", err)
}

func startPipeRead() {
	reader, _ := pipe()
	go readPipe(reader)
}

//go:noinline
func writePipe(writer *os.File) {
	for {
		if _, err := fmt.Fprintf(writer, "%4096d", 1); err != nil {
			fail("%v", err)
		}
	}
}

func startPipeWrite() {
	_, writer := pipe()
	go writePipe(writer)
}

//go:noinline
func readInSyscall(fd int) {
	var byte [1]byte
	_, err := syscall.Read(fd, byte[:])
	fail("nobody writes: %v", err)
}

// A pipe that the runtime's poller does not know.
func startSyscallRead() {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		fail("pipe2: %v", err)
	}
	go readInSyscall(ends[0])
}

//go:noinline
func lockFile(file *os.File) {
	err := syscall.EINTR
	// The runtime's own signals break the wait in Go 1.15.
	for err == syscall.EINTR {
		err, _ = syscall.Flock(int(file.Fd()), syscall.LOCK_EX).(syscall.Errno)
	}
	fail("the lock is held: %v", err)
}

func startFlock() {
	holder, err := ioutil.TempFile("", "goroutines.")
	if err != nil {
		fail("%v", err)
	}
	waiter, err := os.Open(holder.Name())
	os.Remove(holder.Name())
	if err != nil {
		fail("%v", err)
	}
	if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_EX); err != nil {
		fail("flock: %v", err)
	}
	open = append(open, holder, waiter)
	go lockFile(waiter)
}

//go:noinline
func waitLocked(c chan int) {
	runtime.LockOSThread()
	<-c
}

//go:noinline
func waitLabelled(c chan int) {
	labels := pprof.Labels("request", "42", "handler", "pay\n")
	pprof.Do(context.Background(), labels, func(context.Context) { <-c })
}

type finalized struct{ _ [64]byte }

//go:noinline
func waitInFinalizer(c chan bool) {
	c <- true
	<-c
}

//go:noinline
func makeGarbage(c chan bool) {
	runtime.SetFinalizer(new(finalized), func(*finalized) { waitInFinalizer(c) })
}

// The runtime has one goroutine for all finalizers: it is parked for good now.
func startFinalizer() int {
	c := make(chan bool)
	makeGarbage(c)
	for end := time.Now().Add(patience); ; {
		runtime.GC()
		select {
		case <-c:
			return 1
		case <-time.After(betweenLooks):
		}
		if time.Now().After(end) {
			fail("no finalizer runs")
		}
	}
}
