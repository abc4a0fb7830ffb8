// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// clients are those of the service, and what became of their requests.
type clients struct {
	url                         string
	patience                    time.Duration
	requests, cancelled, failed int64
	http                        http.Client
}

// load sends requests until SIGINT or SIGTERM, of which every second one is cancelled: its client
// has less patience than the service needs. Cancelled requests count if the service has got them.
func load(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	rate := flags.Int("rate", 40, "requests per second")
	patience := flags.Duration("patience", 100*time.Millisecond, "after which every second request is cancelled")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 || *rate < 1 || *rate > 10000 {
		return errors.New("usage: leak_service load [-rate N] [-patience DURATION] URL")
	}
	c := &clients{url: flags.Arg(0), patience: *patience}
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: 10}
	c.sendUntilSignal(ctx, *rate)
	fmt.Printf("requests=%d cancelled=%d failed=%d\n", c.requests, c.cancelled, c.failed)
	return nil
}

func (c *clients) sendUntilSignal(ctx context.Context, rate int) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	var pending sync.WaitGroup
	defer pending.Wait()
	for order := 1; ; order++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
			pending.Add(1)
			go func(order int) {
				defer pending.Done()
				c.pay(ctx, order)
			}(order)
		}
	}
}

func (c *clients) pay(ctx context.Context, order int) {
	if order%2 == 0 {
		limited, cancel := context.WithTimeout(ctx, c.patience)
		defer cancel()
		ctx = limited
	}
	var sent int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				atomic.StoreInt32(&sent, 1)
			}
		},
	})
	err := c.post(ctx, order)
	switch {
	case err == nil:
		atomic.AddInt64(&c.requests, 1)
	case atomic.LoadInt32(&sent) == 1 && errors.Is(err, context.DeadlineExceeded):
		atomic.AddInt64(&c.requests, 1)
		atomic.AddInt64(&c.cancelled, 1)
	default:
		atomic.AddInt64(&c.failed, 1)
	}
}

func (c *clients) post(ctx context.Context, order int) error {
	url := fmt.Sprintf("%s?order=%d", c.url, order)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(ioutil.Discard, response.Body)
	return err
}
