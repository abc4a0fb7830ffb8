// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package main

import (
	"debug/elf"
	"math/rand"
	"syscall"
	"unsafe"
)

// Offsets in runtime.g of Go 1.19, src/runtime/runtime2.go.
const (
	gStackLow    = 0
	gStackHigh   = 8
	gM           = 48
	gStackPtr    = 56 // sched.sp
	gPC          = 64 // sched.pc
	gSelf        = 72 // sched.g
	gFramePtr    = 104
	gSyscallSP   = 112
	gSyscallPC   = 120
	gStatus      = 144
	gID          = 152
	gReason      = 176
	gCreatorPC   = 296
	gStartPC     = 312
	gSudog       = 328
	gLabels      = 360
	gStride      = 384
	statusWait   = 4
	statusSystem = 3
	reasonSend   = 15 // waitReasonChanSend

	// Fakes that stand so close share words: see overlapping.
	overlapStride = 64
	overlapEnd    = 512

	stackWords = 1 << 17
	codeStep   = 0x8000 // farther than a function is long
	page       = 4096
)

var (
	codeLow, codeHigh uintptr
	realPC            uintptr // of a goroutine that is there
)

func at(address uintptr) *uintptr {
	//lint:ignore memory outside of the heap, which does not move
	return (*uintptr)(*(*unsafe.Pointer)(unsafe.Pointer(&address)))
}

// memory is not the heap's, so that the runtime does not look at it.
func memory(size uintptr) uintptr {
	bytes, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		fail("mmap: %v", err)
	}
	return uintptr(unsafe.Pointer(&bytes[0]))
}

// readTemplate learns where code is.
func readTemplate(g uintptr) {
	file, err := elf.Open("/proc/self/exe")
	if err != nil {
		fail("%v", err)
	}
	defer file.Close()
	text := file.Section(".text")
	codeLow, codeHigh = uintptr(text.Addr), uintptr(text.Addr+text.Size)
	realPC = *at(g + gPC)
}

func randomPC() uintptr {
	return codeLow + uintptr(rand.Int63n(int64(codeHigh-codeLow)))
}

// list makes a table of the honest goroutines and the pointers that invented gives.
func list(invented func(i int) uintptr) slice {
	array := memory((honest.length+uintptr(count))*8 + page)
	for i := uintptr(0); i < honest.length; i++ {
		*at(array + i*8) = *at(honest.pointer + i*8)
	}
	for i := 0; i < count; i++ {
		*at(array + (honest.length+uintptr(i))*8) = invented(i)
	}
	length := honest.length + uintptr(count)
	return slice{array, length, length}
}

// fake is a goroutine that stands on a channel, deep in a stack of its own.
func fake(g uintptr, id int, stack uintptr, size uintptr) {
	*at(g + gStackLow), *at(g + gStackHigh) = stack, stack+size
	*at(g + gStackPtr), *at(g + gPC), *at(g + gSelf) = stack, realPC, g
	*at(g + gStatus), *at(g + gReason) = statusWait, reasonSend
	*at(g + gID) = 1<<32 + uintptr(id)
	*at(g + gCreatorPC), *at(g + gStartPC) = realPC, realPC
}

func fakes(change func(i int, g uintptr)) slice {
	area := memory(uintptr(count)*gStride + page)
	stack := memory(page)
	return list(func(i int) uintptr {
		g := area + uintptr(i)*gStride
		fake(g, i, stack, page)
		change(i, g)
		return g
	})
}

// overlapping makes fakes in 64 bytes each, all different: the words of one serve its neighbours as
// something else, so that millions cost this process little.
func overlapping() slice {
	area := memory(page+uintptr(count)*overlapStride+overlapEnd) + page
	for i := uintptr(0); i < uintptr(count)+overlapEnd/overlapStride; i++ {
		g := area + i*overlapStride
		*at(g) = randomPC()                 // stack.lo, and sched.pc of the one before
		*at(g + 8) = g - gSelf + 8          // sched.g of the one before; its own stack.hi
		*at(g + 16) = statusWait            // of the one two before
		*at(g + 24) = 1<<32 + i             // goid
		*at(g + 32) = randomPC()            //
		*at(g + 40) = randomPC()            // gopc, frame pointer, labels
		*at(g + 48) = reasonSend            // and m
		*at(g + 56) = area - page + i*8%512 // sched.sp, below stack.hi
	}
	return list(func(i int) uintptr { return area + uintptr(i)*overlapStride })
}

// chains is a region of frames whose frame pointers lead upward, with random return addresses: a
// stack may begin anywhere in it.
func chains() (uintptr, uintptr) {
	size := uintptr(stackWords * 8)
	stack := memory(size)
	for frame := stack; frame+16 < stack+size; frame += 16 {
		*at(frame), *at(frame + 8) = frame+16, randomPC()
	}
	return stack, size
}

func invent(kind string) slice {
	switch kind {
	case "same":
		last := *at(honest.pointer + (honest.length-1)*8)
		return list(func(i int) uintptr { return last })
	case "no_pointers":
		return list(func(i int) uintptr { return uintptr(rand.Uint64()) | 1 })
	case "unmapped_behind": // the heap is below 1 << 40
		return list(func(i int) uintptr { return 1<<40 + uintptr(i)*page })
	case "unmapped_before":
		return list(func(i int) uintptr { return 1<<39 + uintptr(i)*page })
	case "fakes":
		return overlapping()
	case "code": // random places in code
		return fakes(func(i int, g uintptr) {
			*at(g + gPC), *at(g + gCreatorPC), *at(g + gStartPC) = randomPC(), randomPC(), randomPC()
		})
	case "deep":
		stack, size := chains()
		return fakes(func(i int, g uintptr) {
			*at(g + gStackLow), *at(g + gStackHigh) = stack, stack+size
			sp := stack + uintptr(i)*16%(size/2)
			*at(g + gStackPtr), *at(g + gFramePtr) = sp, sp
		})
	case "cyclic":
		stack := memory(page)
		for frame := stack; frame < stack+page; frame += 32 {
			// To itself, and back to the start.
			*at(frame), *at(frame + 8) = frame, randomPC()
			*at(frame + 16), *at(frame + 24) = stack, randomPC()
		}
		return fakes(func(i int, g uintptr) {
			*at(g + gStackLow), *at(g + gStackHigh) = stack, stack+page
			*at(g + gStackPtr), *at(g + gFramePtr) = stack, stack+uintptr(i%128)*32
		})
	case "stack_huge":
		return fakes(func(i int, g uintptr) {
			*at(g + gStackLow), *at(g + gStackHigh) = 8, ^uintptr(0)-uintptr(i%16)
			*at(g + gFramePtr) = ^uintptr(0) - uintptr(i)
		})
	case "stack_tiny":
		return fakes(func(i int, g uintptr) {
			*at(g + gStackLow), *at(g + gStackHigh), *at(g + gStackPtr) = 0, uintptr(1+i%8), 0
			*at(g + gFramePtr) = uintptr(i % 16)
		})
	case "pc_outside":
		return fakes(func(i int, g uintptr) { *at(g + gPC) = uintptr(i) * 77777 })
	case "channels":
		return inventChannels()
	case "labels":
		return inventLabels()
	case "system_calls": // in the hands of threads that are not there
		m := memory(page)
		return fakes(func(i int, g uintptr) {
			*at(g + gStatus), *at(g + gM) = statusSystem, m
			*at(g + gSyscallSP), *at(g + gSyscallPC) = *at(g + gStackPtr), randomPC()
			*at(m + uintptr(i%256)*8) = uintptr(i)
		})
	}
	return slice{}
}

// Offsets in runtime.sudog and runtime.hchan of Go 1.19.
const (
	sudogG, sudogSelect, sudogNext, sudogChannel   = 0, 48, 64, 80
	chanCount, chanCapacity, chanReceive, chanSend = 0, 8, 56, 72
	sudogSize, chanSize                            = 128, 128
)

// inventChannels has selects whose list of cases is a circle, more elements than room, room for
// 2^64-1, and channels that are not there.
func inventChannels() slice {
	area := memory(uintptr(count) * (sudogSize + chanSize))
	return fakes(func(i int, g uintptr) {
		sudog := area + uintptr(i)*(sudogSize+chanSize)
		channel := sudog + sudogSize
		*at(g + gPC) = codeLow + uintptr(i%5)*codeStep // a site for each kind
		*at(g + gSudog) = sudog
		*at(sudog + sudogG), *at(sudog + sudogChannel) = g, channel
		switch i % 5 {
		case 0:
			*at(sudog + sudogSelect), *at(sudog + sudogNext) = 1<<32, sudog
		case 1:
			*at(channel + chanCount), *at(channel + chanCapacity) = 9, 3
		case 2:
			*at(channel + chanCount), *at(channel + chanCapacity) = ^uintptr(0), ^uintptr(0)
			*at(channel + chanSend), *at(channel + chanSend + 8) = sudog, sudog
		case 3:
			*at(sudog + sudogChannel) = 1<<39 + 8
		case 4:
			*at(g + gSudog) = ^uintptr(0) - 8
		}
	})
}

// inventLabels has maps with 2^255 buckets, strings of 2^40 bytes, empty keys in buckets that
// follow themselves, and control characters.
func inventLabels() slice {
	const (
		labelMap, buckets, text = 64, 128, 2048
		bucketOverflow          = 264
	)
	area := memory(page)
	for i := uintptr(0); i < 256; i++ {
		*at(area + text + i*8) = 0x0a5b1b6162630a1b // newlines and escapes
	}
	for i := uintptr(0); i < 8; i++ {
		*at(area + buckets) = ^uintptr(0) // all slots in use
		*at(area + buckets + 8 + i*16), *at(area + buckets + 16 + i*16) = area+text, 1<<40
		*at(area + buckets + 136 + i*16), *at(area + buckets + 144 + i*16) = area+text, 1<<40
	}
	*at(area + buckets + bucketOverflow) = area + buckets
	empty := memory(8 * page)
	for i := uintptr(0); i < 8*page; i += 8 {
		*at(empty + i) = empty + page // bytes that are not zero, and pointers
	}
	*at(empty + page) = 0
	maps := [][2]uintptr{{255 << 8, area + buckets}, {0, area + buckets}, {4 << 8, empty + 2*page}}
	for i, words := range maps {
		map_ := area + labelMap*uintptr(i)/2
		*at(map_ + 8), *at(map_ + 16) = words[0], words[1]
	}
	return fakes(func(i int, g uintptr) {
		holder := area + page/2 + page/4 + uintptr(i%3)*8
		*at(holder) = area + labelMap*uintptr(i%3)/2
		*at(g + gLabels) = holder
	})
}
