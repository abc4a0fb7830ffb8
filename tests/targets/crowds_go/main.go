// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Crowds of goroutines that leak and healthy ones: crowds_go KIND[+KIND...] PLAN [name=number]...
// Plans and protocol: ../README.md; the kinds: kinds.go.
package main

import (
	"fmt"
	"math"
	"math/rand"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	tick   = 0.1
	churnS = 0.1
)

var (
	ratePerMin = 120
	size       = 200
	period     = 120
	churnPerS  = 0
	poolSize   = 0
)

var arrived, left int64

// between is deterministic: only the planner calls it, always in the same order.
func between(least, most float64) float64 {
	return least + (most-least)*rand.Float64()
}

// A plan says how many units come per second at t seconds, and how long each will be there.
type plan struct {
	rate  func(t float64) float64
	life  func(t float64) float64
	works bool // units stay 10 to 30 s at a time
}

func forEver(float64) float64 { return math.Inf(1) }

func plans() map[string]plan {
	rate, crowd, p := float64(ratePerMin)/60, float64(size), float64(period)
	while := func(holds func(t float64) bool, perS float64) func(float64) float64 {
		return func(t float64) float64 {
			if holds(t) {
				return perS
			}
			return 0
		}
	}
	until := func(limit, perS float64) func(float64) float64 {
		return while(func(t float64) bool { return t < limit }, perS)
	}
	at := func(t float64) float64 { return math.Mod(t, p) }
	begins := func(t float64) bool { return at(t) < 1 }
	always := func(float64) float64 { return rate }

	return map[string]plan{
		"leak":       {rate: always, life: forEver},
		"leak_stops": {rate: until(p, rate), life: forEver},
		"pool":       {rate: until(10, crowd/10), life: forEver, works: true},
		"fill":       {rate: until(crowd/rate, rate), life: forEver, works: true},
		"idle":       {rate: until(crowd/rate, rate), life: forEver},
		"ramp": {
			rate: func(t float64) float64 { return rate * (1 - math.Abs(at(t)-p/2)/(p/2)) },
			life: func(float64) float64 { return between(2, 30) },
		},
		"autoscale": { // five steps up in the first half, down again in the second
			rate: while(func(t float64) bool {
				return at(t) < p/2 && math.Mod(at(t), p/10) < 1
			}, crowd/5),
			life:  func(t float64) float64 { return p - 2*at(t) },
			works: true,
		},
		"batch": {
			rate: while(func(t float64) bool { return at(t) < p/10 }, crowd/(p/10)),
			life: func(t float64) float64 { return 0.8*p - at(t) },
		},
		"sawtooth": {rate: always, life: func(t float64) float64 { return p - at(t) }},
		"slower":   {rate: always, life: func(t float64) float64 { return math.Min(0.1+t/10, p) }},
		"reload": { // the new ones are there before the old ones leave
			rate: while(begins, crowd), life: func(t float64) float64 { return p - at(t) + 2 }, works: true,
		},
		"bursts":   {rate: while(begins, crowd), life: func(float64) float64 { return between(2, 6) }},
		"sessions": {rate: always, life: func(float64) float64 { return between(0.1, 2) * p }},
	}
}

type member struct {
	unit
	works       bool
	leaves, due float64       // for good, and the end of this stay
	ended       chan struct{} // told that its next stay to end is its last
}

var members []*member // those that will be released some day

//go:noinline
func (m *member) run() {
	for {
		atomic.AddInt64(&arrived, 1)
		m.park()
		atomic.AddInt64(&left, 1)
		// With a shared object another one than was meant may wake up.
		select {
		case <-m.ended:
			return
		default:
		}
	}
}

//go:noinline
func startUnit(kind kind, plan plan, t, life, first float64) {
	m := &member{works: plan.works, leaves: t + life, ended: make(chan struct{}, 1)}
	m.due = m.leaves
	if m.works {
		m.due = math.Min(first+between(10, 30), m.leaves)
	} else {
		m.ended <- struct{}{}
	}
	if math.IsInf(m.due, 1) {
		m.unit = kind(time.Hour)
	} else {
		m.unit = kind(time.Duration((m.due - t) * float64(time.Second)))
		if m.release == nil || (m.works && m.once) {
			fail("this kind does not go with this plan")
		}
		members = append(members, m)
	}
	if m.park != nil {
		go m.run()
	} else {
		atomic.AddInt64(&arrived, 1)
	}
}

func releaseDue(t float64) {
	kept := members[:0]
	for _, m := range members {
		if m.due > t {
			kept = append(kept, m)
			continue
		}
		if m.leaves > t {
			m.due = math.Min(t+between(10, 30), m.leaves)
			kept = append(kept, m)
		} else if m.works {
			m.ended <- struct{}{}
		}
		m.release()
		if m.park == nil {
			atomic.AddInt64(&left, 1)
		}
	}
	for i := len(kept); i < len(members); i++ {
		members[i] = nil
	}
	members = kept
}

func report() {
	gone := atomic.LoadInt64(&left)
	fmt.Printf("stayed=%d left=%d\n", atomic.LoadInt64(&arrived)-gone, gone)
}

// dispatch follows the plan; it is one goroutine, as a server's accept loop is.
func dispatch(chosen []kind, plan plan, fills bool) {
	start, turn, due, churnDue := time.Now(), 0, 0.0, 0.0
	brief := plans()["leak"]
	for i := 0; i < poolSize; i++ {
		startUnit(receiveShared, plans()["pool"], 0, math.Inf(1), 0)
	}
	for n := 1; ; n++ {
		t := float64(n) * tick
		time.Sleep(time.Until(start.Add(time.Duration(t * float64(time.Second)))))
		releaseDue(t)
		for due += plan.rate(t) * tick; due >= 1; due-- {
			first := t
			if fills { // no work before all are there
				first = float64(size) * 60 / float64(ratePerMin)
			}
			startUnit(chosen[turn%len(chosen)], plan, t, plan.life(t), first)
			turn++
		}
		for churnDue += float64(churnPerS) * tick; churnDue >= 1; churnDue-- {
			startUnit(chosen[turn%len(chosen)], brief, t, churnS, t)
		}
		if n%10 == 0 {
			report()
		}
	}
}

func main() {
	if len(os.Args) < 3 {
		fail("usage: KIND[+KIND...] PLAN [name=number]...")
	}
	names, planName := strings.Split(os.Args[1], "+"), os.Args[2]
	os.Args = append(os.Args[:1], os.Args[3:]...)
	parse(map[string]*int{
		"rate": &ratePerMin, "size": &size, "period": &period, "churn": &churnPerS, "pool": &poolSize,
	})
	if ratePerMin == 0 || size == 0 || period < 10 {
		fail("rate and size must not be 0, period must be 10 at least")
	}
	var chosen []kind
	for _, name := range names {
		if kinds[name] == nil {
			fail("unknown kind: %s", name)
		}
		chosen = append(chosen, kinds[name])
	}
	plan, known := plans()[planName]
	if !known {
		fail("unknown plan: %s", planName)
	}
	rand.Seed(1)
	say("pid", os.Getpid())
	fmt.Println("ready")
	go dispatch(chosen, plan, planName == "fill")
	serve(report, func(string) bool { return false })
}
