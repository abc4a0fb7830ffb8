// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A program that says what the Go runtime knows about addresses of its own code, so that
// a test can compare. Lines on stdout, fields separated by tabs:
//
//	M  start of the first mapping, runtime.text, gofunc, runtime.Version()
//	A  address within an instruction
//	F  function, file, line, entry: a call at that address, innermost first
//
// Numbers are hexadecimal but for lines. It compiles with Go 1.15 and newer.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// Of the whole text one address in so many is asked for; a prime, so that all remainders
// of an instruction's length occur. Of this package each one is.
const stride = 61

// What pprof calls; it leaves out wrappers that are inlined.
//
//go:linkname expandFinalInlineFrame runtime/pprof.runtime_expandFinalInlineFrame
func expandFinalInlineFrame(stack []uintptr) []uintptr

//go:linkname lastmoduledatap runtime.lastmoduledatap
var lastmoduledatap unsafe.Pointer

// Offsets of text and gofunc in runtime.moduledata, src/runtime/symtab.go.
func moduleWord(offset uintptr) uintptr {
	return *(*uintptr)(unsafe.Pointer(uintptr(lastmoduledatap) + offset))
}

func module() (text, gofunc uintptr) {
	version := strings.Split(strings.TrimPrefix(runtime.Version(), "go"), ".")
	minor, err := strconv.Atoi(version[1])
	if err != nil {
		panic(err)
	}
	switch {
	case minor < 16:
		return moduleWord(96), 0
	case minor < 18:
		return moduleWord(176), 0
	case minor < 20:
		return moduleWord(176), moduleWord(304)
	default:
		return moduleWord(176), moduleWord(320)
	}
}

// The first mapping of this program, and its code.
func mappings() (first, start, end uintptr) {
	file, err := os.Open("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var from, to uintptr
		var rights string
		if !strings.HasSuffix(lines.Text(), path) {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			panic(err)
		}
		if first == 0 {
			first = from
		}
		if rights == "r-xp" && start == 0 {
			start, end = from, to
		}
	}
	return
}

func entry(address uintptr) uintptr {
	function := runtime.FuncForPC(address)
	if function == nil {
		return 0
	}
	return function.Entry()
}

func ask(out *bufio.Writer, address uintptr) {
	// Behind the last byte of a function the runtime would see the next one.
	if entry(address) != entry(address+1) {
		return
	}
	frames := runtime.CallersFrames(expandFinalInlineFrame([]uintptr{address + 1}))
	fmt.Fprintf(out, "A\t%x\n", address)
	for {
		frame, more := frames.Next()
		if frame.Entry != 0 {
			fmt.Fprintf(out, "F\t%s\t%s\t%d\t%x\n", frame.Function, frame.File,
				frame.Line, frame.Entry)
		}
		if !more {
			return
		}
	}
}

// What there is to find: inlined calls, closures, wrappers.

type shape interface{ area() int }
type square struct{ side int }
type box struct{ *square }
type server struct{ handle func(int) int }

func one(x int) int   { return x*3 + len(os.Args) }
func two(x int) int   { return one(x) + one(x+1) }
func three(x int) int { return two(x) + one(two(x)) }

func (s square) area() int { return three(s.side) }

//go:noinline
func (s *server) serve(x int) int {
	return func(y int) int { return s.handle(one(y)) }(x)
}

//go:noinline
func deferred(x int) (result int) {
	defer func(y int) { result += three(y) }(x)
	defer println(x)
	go one(x)
	return two(x)
}

func exercise(x int) int {
	shapes := []shape{square{x}, &square{x}, box{&square{x}}}
	method := shapes[x%3].area
	s := &server{handle: func(y int) int { return three(y) + method() }}
	return s.serve(x) + deferred(x) + generic(x)
}

func main() {
	if len(os.Args) > 1 {
		println(exercise(len(os.Args)), http.ListenAndServe("", nil))
		return
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	first, start, end := mappings()
	text, gofunc := module()
	fmt.Fprintf(out, "M\t%x\t%x\t%x\t%s\n", first, text, gofunc, runtime.Version())
	for address := start; address < end; address++ {
		function := runtime.FuncForPC(address)
		if address%stride == 0 || (function != nil && strings.HasPrefix(function.Name(), "main.")) {
			ask(out, address)
		}
	}
}
