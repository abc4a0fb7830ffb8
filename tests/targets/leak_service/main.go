// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// leak_service is a small HTTP service that leaks a goroutine for each request that its client
// gives up, as real ones do. With -fixed it does not. "leak_service load URL" is the client.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	bankTakes    = 200 * time.Millisecond
	auditWorkers = 20
)

type payment struct {
	approved bool
	receipt  []byte
}

type paymentsAPI struct {
	audit        chan string
	capacity     int // of the channel that each request waits on
	receiptBytes int
}

// doWork asks the bank, which is slow.
func (api *paymentsAPI) doWork(order string) *payment {
	time.Sleep(bankTakes)
	receipt := make([]byte, api.receiptBytes)
	for i := range receipt {
		receipt[i] = byte(i)
	}
	return &payment{approved: order != "", receipt: receipt}
}

func (api *paymentsAPI) handleRequest(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	order := r.URL.Query().Get("order")
	ch := make(chan *payment, api.capacity)
	go func() {
		ch <- api.doWork(order)
	}()
	select {
	case paid := <-ch:
		api.audit <- order
		fmt.Fprintf(w, "approved=%t receipt=%d\n", paid.approved, len(paid.receipt))
	case <-ctx.Done():
		countAbandoned()
	}
}

// auditPayments is one of a pool of workers on one channel, which is healthy however long they wait.
func (api *paymentsAPI) auditPayments() {
	for order := range api.audit {
		time.Sleep(time.Duration(len(order)) * time.Millisecond)
	}
}

func serve(fixed bool, receiptBytes int) error {
	api := &paymentsAPI{audit: make(chan string, 64), receiptBytes: receiptBytes}
	if fixed {
		api.capacity = 1
	}
	for i := 0; i < auditWorkers; i++ {
		go api.auditPayments()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/pay", api.handleRequest)
	mux.HandleFunc("/metrics", serveMetrics)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("pid=%d\nurl=http://%s/pay\nready\n", os.Getpid(), listener.Addr())
	return http.Serve(listener, mux)
}

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "load" {
		err = load(context.Background(), os.Args[2:])
	} else {
		fixed := flag.Bool("fixed", false, "let each request's goroutine finish")
		receipt := flag.Int("receipt", 16*1024, "bytes that each answer holds")
		flag.Parse()
		err = serve(*fixed, *receipt)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leak_service:", err)
		os.Exit(1)
	}
}
