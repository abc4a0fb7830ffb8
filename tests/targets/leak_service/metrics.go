// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// abandoned counts requests whose handler stopped waiting for the answer. A client cannot count
// them: where both are late, the answer may be there before the handler hears that nobody wants it.
var abandoned int64

func countAbandoned() { atomic.AddInt64(&abandoned, 1) }

func serveMetrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "abandoned=%d\n", atomic.LoadInt64(&abandoned))
}
