// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A unit waits in park until release was called once more than park has returned. Without release
// nothing ends its wait; without park it is no goroutine of ours.
type unit struct {
	park, release func()
	once          bool // release can be called but once
}

// A kind makes units; life is how long the wait will be, for those that end by the clock.
type kind func(life time.Duration) unit

//go:noinline
func sendReply(reply chan int) { reply <- 1 }

//go:noinline
func sendToFull(reply chan int) { reply <- 1 }

//go:noinline
func sendToNil() {
	var reply chan int
	reply <- 1
}

//go:noinline
func receiveFromNil() {
	var reply chan int
	<-reply
}

//go:noinline
func selectNothing() { select {} }

//go:noinline
func waitForWorkers(group *sync.WaitGroup) { group.Wait() }

//go:noinline
func waitForSignal(cond *sync.Cond, tokens *int) {
	cond.L.Lock()
	for *tokens == 0 {
		cond.Wait()
	}
	*tokens--
	cond.L.Unlock()
}

//go:noinline
func receiveReply(reply chan int) { <-reply }

//go:noinline
func selectReply(reply, other chan int) {
	select {
	case <-reply:
	case <-other:
	}
}

//go:noinline
func lockAccount(lock *sync.Mutex) {
	lock.Lock()
	lock.Unlock() //nolint:staticcheck // only the wait counts
}

//go:noinline
func takeTask(tasks chan int) { <-tasks }

//go:noinline
func sendToSlowConsumer(results chan int) { results <- 1 }

//go:noinline
func acquireSlot(slots chan struct{}) { slots <- struct{}{} }

//go:noinline
func sleepAWhile(life time.Duration) { time.Sleep(life) }

//go:noinline
func pollOnTicker(done chan int) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
	}
}

//go:noinline
func waitForCancel(ctx context.Context) { <-ctx.Done() }

// handleRequest is given up by its client, and the worker's result is wanted no more.
//
//go:noinline
func handleRequest() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	result := make(chan int)
	go func() { result <- answer() }()
	select {
	case <-result:
	case <-ctx.Done():
	}
}

//go:noinline
func answer() int {
	time.Sleep(50 * time.Millisecond)
	return 42
}

// group is golang.org/x/sync/errgroup, as far as it is needed.
type group struct {
	wait sync.WaitGroup
}

func (g *group) Go(run func()) {
	g.wait.Add(1)
	go func() {
		defer g.wait.Done()
		run()
	}()
}

//go:noinline
func (g *group) Wait() { g.wait.Wait() }

//go:noinline
func fetchPart(parts chan int) { parts <- 1 }

// fetchAll takes one part of three and waits for all of its workers.
//
//go:noinline
func fetchAll() {
	var workers group
	parts := make(chan int)
	for i := 0; i < 3; i++ {
		workers.Go(func() { fetchPart(parts) })
	}
	<-parts
	workers.Wait()
}

//go:noinline
func serveConnection(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 16)
	for {
		if _, err := connection.Read(buffer); err != nil {
			return
		}
	}
}

//go:noinline
func writePump(connection net.Conn, messages chan []byte) {
	for message := range messages {
		if _, err := connection.Write(message); err != nil {
			return
		}
	}
}

//go:noinline
func serveWebsocket(connection net.Conn) {
	messages := make(chan []byte)
	go writePump(connection, messages)
	serveConnection(connection)
	close(messages)
}

var (
	listener net.Listener
	listen   sync.Once
)

func address() string {
	listen.Do(func() {
		var err error
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			fail("%v", err)
		}
	})
	return listener.Addr().String()
}

// connect is both ends of a connection; the client's has no goroutine.
func connect() (client, server net.Conn) {
	client, err := net.Dial("tcp", address())
	if err != nil {
		fail("%v", err)
	}
	if server, err = listener.Accept(); err != nil {
		fail("%v", err)
	}
	return client, server
}

var (
	tasks     = make(chan int, 4096)
	results   = make(chan int)
	slots     = make(chan struct{}, 4)
	account   sync.Mutex
	startHTTP sync.Once
)

func receiveShared(time.Duration) unit {
	return unit{park: func() { takeTask(tasks) }, release: func() { tasks <- 1 }}
}

// keepAlive is a client of net/http whose connection stays open and idle.
func keepAlive(time.Duration) unit {
	url := "http://" + address()
	startHTTP.Do(func() {
		go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "hello\n")
		}))
	})
	transport := &http.Transport{}
	client := http.Client{Transport: transport}
	response, err := client.Get(url)
	if err != nil {
		fail("%v", err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return unit{release: transport.CloseIdleConnections, once: true}
}

var kinds = map[string]kind{
	"send": func(time.Duration) unit {
		reply := make(chan int)
		return unit{park: func() { sendReply(reply) }, release: func() { <-reply }}
	},
	"send_full": func(time.Duration) unit {
		reply := make(chan int, 1)
		reply <- 1
		return unit{park: func() { sendToFull(reply) }, release: func() { <-reply }}
	},
	"send_nil":    func(time.Duration) unit { return unit{park: sendToNil} },
	"receive_nil": func(time.Duration) unit { return unit{park: receiveFromNil} },
	"select_none": func(time.Duration) unit { return unit{park: selectNothing} },
	"waitgroup": func(time.Duration) unit {
		var workers sync.WaitGroup
		workers.Add(1)
		return unit{park: func() { waitForWorkers(&workers) }, release: workers.Done, once: true}
	},
	"cond": func(time.Duration) unit {
		cond, tokens := sync.NewCond(&sync.Mutex{}), 0
		return unit{park: func() { waitForSignal(cond, &tokens) }, release: func() {
			cond.L.Lock()
			tokens++
			cond.L.Unlock()
			cond.Signal()
		}}
	},
	"receive": func(time.Duration) unit {
		reply := make(chan int, 1)
		return unit{park: func() { receiveReply(reply) }, release: func() { reply <- 1 }}
	},
	"select": func(time.Duration) unit {
		reply, other := make(chan int, 1), make(chan int)
		return unit{park: func() { selectReply(reply, other) }, release: func() { reply <- 1 }}
	},
	"mutex": func(time.Duration) unit {
		account.TryLock()
		return unit{park: func() { lockAccount(&account) }}
	},
	"receive_shared": receiveShared,
	"send_shared": func(time.Duration) unit {
		return unit{park: func() { sendToSlowConsumer(results) }, release: func() { <-results }}
	},
	"slots": func(time.Duration) unit {
		for len(slots) < cap(slots) {
			slots <- struct{}{}
		}
		return unit{park: func() { acquireSlot(slots) }, release: func() { <-slots }}
	},
	"sleep": func(life time.Duration) unit {
		return unit{park: func() { sleepAWhile(life) }, release: func() {}, once: true}
	},
	"ticker": func(time.Duration) unit {
		done := make(chan int, 1)
		return unit{park: func() { pollOnTicker(done) }, release: func() { done <- 1 }}
	},
	"ctx": func(time.Duration) unit {
		ctx, cancel := context.WithCancel(context.Background())
		return unit{park: func() { waitForCancel(ctx) }, release: cancel, once: true}
	},
	"story": func(time.Duration) unit {
		go handleRequest() // ends; its worker does not
		return unit{}
	},
	"errgroup": func(time.Duration) unit { return unit{park: fetchAll} },
	"connection": func(time.Duration) unit {
		client, server := connect()
		return unit{park: func() { serveConnection(server) }, release: func() { client.Close() }, once: true}
	},
	"websocket": func(time.Duration) unit {
		client, server := connect()
		return unit{park: func() { serveWebsocket(server) }, release: func() { client.Close() }, once: true}
	},
	"http": keepAlive,
}
