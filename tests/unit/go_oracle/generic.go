// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

type number interface{ ~int | ~int64 }
type list[T any] struct{ items []T }

//go:noinline
func apply[T, U any](items []T, f func(T) U) []U {
	var result []U
	for _, item := range items {
		result = append(result, func() U { return f(item) }())
	}
	return result
}

func sum[T number](items []T) (result T) {
	for _, item := range items {
		result += item
	}
	return
}

//go:noinline
func (l *list[T]) add(item T) { l.items = append(l.items, item) }

func generic(x int) int {
	l := &list[map[string][]int]{}
	l.add(nil)
	small := apply([]int{x}, func(y int) int64 { return int64(two(y)) })
	return len(l.items) + int(sum(small))
}
