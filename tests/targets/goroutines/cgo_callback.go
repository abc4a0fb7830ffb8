// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build cgo
// +build cgo

package main

// A file of its own: with an export, the C of cgo.go would be compiled twice.

import "C"

//export waitInCallback
func waitInCallback() { receiveUnbuffered(make(chan int)) }
