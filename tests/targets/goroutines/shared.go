// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build cshared
// +build cshared

package main

import "C"

// GoroutinesRun is main for programs in C that load this as a library: goroutines_cshared.c.
//
//export GoroutinesRun
func GoroutinesRun() { run() }
