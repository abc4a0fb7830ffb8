// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

// The protocol of ../README.md. goroutine_churn has a link to this file.

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	patience      = 60 * time.Second
	looksAlike    = 3 // so many in a row prove that nobody moves
	betweenLooks  = 5 * time.Millisecond
	clockMonotone = 1 // CLOCK_MONOTONIC
)

var (
	seconds      = 0
	useStdin     = 1
	autogo       = 0
	exitWhenDone = 0
)

// commonOptions are understood by all targets.
var commonOptions = map[string]*int{
	"seconds": &seconds, "stdin": &useStdin, "autogo": &autogo, "exit_when_done": &exitWhenDone,
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, filepath.Base(os.Args[0])+": "+format+"\n", arguments...)
	os.Exit(1)
}

func say(key string, value int) {
	fmt.Printf("%s=%d\n", key, value)
}

func parse(options map[string]*int) {
	for _, argument := range os.Args[1:] {
		parts := strings.SplitN(argument, "=", 2)
		option := options[parts[0]]
		if option == nil {
			option = commonOptions[parts[0]]
		}
		if option == nil || len(parts) != 2 {
			fail("unknown argument: %s", argument)
		}
		value, err := strconv.Atoi(parts[1])
		if err != nil || value < 0 {
			fail("not a number: %s", argument)
		}
		*option = value
	}
}

func monotonicNs() int {
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotone,
		uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		fail("clock_gettime: %v", errno)
	}
	return int(now.Nano())
}

// readCommands stands in read(2), in a thread of its own: standard input is a blocking file.
func readCommands(commands chan<- string) {
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		commands <- input.Text()
	}
	commands <- "quit"
}

func allStacks() []byte {
	for size := 1 << 20; ; size *= 2 {
		text := make([]byte, size)
		if used := runtime.Stack(text, true); used < size {
			return text[:used]
		}
	}
}

var (
	minutes = regexp.MustCompile(`, \d+ minutes\b`)
	moving  = regexp.MustCompile(`(?m)^goroutine \d+ [^\n]*\[(running|runnable)\b`)
)

// settle returns when all goroutines but the one that calls it stand where they will stay.
func settle() {
	var last []byte
	alike := 0
	for end := time.Now().Add(patience); alike < looksAlike; time.Sleep(betweenLooks) {
		text := allStacks()
		// The caller comes first, and runs; its frames differ from call to call by nothing.
		others := minutes.ReplaceAll(text[bytes.Index(text, []byte("\n\n"))+2:], nil)
		switch {
		case moving.Match(others):
			alike = 0
		case bytes.Equal(others, last):
			alike++
		default:
			alike = 1
		}
		last = others
		if time.Now().After(end) {
			fail("the goroutines do not come to rest:\n%s", moving.FindAll(others, 3))
		}
	}
}

// announceReady is a goroutine of its own, so that the main one is proved to stand, too.
func announceReady() {
	settle()
	say("goroutines", runtime.NumGoroutine()-1)
	fmt.Println("ready")
}

// writeStacks puts what the runtime itself says about its goroutines into a file. It is the one
// goroutine that is not to be compared.
func writeStacks(path string) {
	settle()
	file, err := os.Create(path)
	if err != nil {
		fail("%v", err)
	}
	if err := pprof.Lookup("goroutine").WriteTo(file, 2); err != nil {
		fail("%s: %v", path, err)
	}
	if err := file.Close(); err != nil {
		fail("%s: %v", path, err)
	}
	fmt.Printf("stacks=%s\n", path)
}

func printReport(report func()) {
	say("monotonic_ns", monotonicNs())
	report()
	fmt.Println("end")
}

// serve answers commands until it is told to end; own takes those that are not common and says
// whether it knew them.
func serve(report func(), own func(command string) bool) {
	commands := make(chan string)
	terminated := make(chan os.Signal, 1)
	var end <-chan time.Time

	signal.Notify(terminated, syscall.SIGTERM)
	if useStdin != 0 {
		go readCommands(commands)
	}
	if seconds > 0 {
		end = time.After(time.Duration(seconds) * time.Second)
	}
	if autogo != 0 {
		own("go")
	}
	for {
		command := "quit"
		select {
		case command = <-commands:
		case <-terminated:
		case <-end:
		}
		switch {
		case command == "quit":
			fmt.Println("final=1")
			printReport(report)
			os.Exit(0)
		case command == "report":
			printReport(report)
		case strings.HasPrefix(command, "stacks "):
			go writeStacks(strings.TrimPrefix(command, "stacks "))
		case !own(command):
			fail("unknown command: %s", command)
		}
	}
}
