/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_GO_PROCESS_FIXTURE_H
#define PARKSCOPE_TESTS_GO_PROCESS_FIXTURE_H

/*
 * A Go process made up: its memory is the test's own, and these functions stand in for
 * those of go_process.c, which the linker then leaves out. Each read of memory is counted
 * and can be preceded by a change of it. For one source file of a program.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "goruntime/go_process.h"
#include "goruntime/goroutine.h"
#include "unit_test.h"

static struct {
	struct go_version version;
	struct go_layout layout;
	pid_t pid;
	uint64_t allgs[3];   /* {pointer, length, capacity} */
	uint64_t allgs_at;   /* 0: that of `allgs` */
	uint64_t code_start; /* Go code, up to code_end */
	uint64_t code_end;
	uint64_t goexit; /* a return address */
	int (*frame_size)(uint64_t address, uint64_t *size);
	size_t reads; /* system calls so far */
	void (*before_read)(size_t number);
} fake_go;

#define FAKE_GO ((const struct go_process *)&fake_go)

static inline void fake_go_init(uint32_t minor)
{
	const struct go_layout *layout;

	memset(&fake_go, 0, sizeof(fake_go));
	fake_go.version.minor = minor;
	fake_go.pid = getpid();
	layout = go_layout_find(&fake_go.version);
	assert_non_null(layout);
	fake_go.layout = *layout;
}

static inline uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static inline void *fake_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static inline void put_word(uint8_t *bytes, size_t offset, uint64_t word)
{
	memcpy(bytes + offset, &word, sizeof(word));
}

static inline void put_status(uint8_t *bytes, uint32_t status)
{
	memcpy(bytes + fake_go.layout.g.status, &status, sizeof(status));
}

/* A runtime.g that waits, of which `address` is where it says that it is. */
static inline void put_goroutine(uint8_t *bytes, uint64_t address, uint64_t goid, uint64_t stack_lo,
				 uint64_t stack_hi, uint64_t sp)
{
	const struct go_layout *layout = &fake_go.layout;

	memset(bytes, 0, layout->g.size);
	put_word(bytes, layout->g.stack_lo, stack_lo);
	put_word(bytes, layout->g.stack_hi, stack_hi);
	put_word(bytes, layout->g.sched_sp, sp);
	put_word(bytes, layout->g.sched_g, address);
	put_word(bytes, layout->g.goid, goid);
	put_status(bytes, GO_STATUS_WAITING);
}

pid_t go_process_pid(const struct go_process *go)
{
	assert_ptr_equal(go, FAKE_GO);
	return fake_go.pid;
}

const struct go_version *go_process_version(const struct go_process *go)
{
	assert_ptr_equal(go, FAKE_GO);
	return &fake_go.version;
}

const struct go_layout *go_process_layout(const struct go_process *go)
{
	assert_ptr_equal(go, FAKE_GO);
	return &fake_go.layout;
}

uint64_t go_process_allgs(const struct go_process *go)
{
	assert_ptr_equal(go, FAKE_GO);
	return fake_go.allgs_at ? fake_go.allgs_at : address_of(fake_go.allgs);
}

bool go_process_has_code(const struct go_process *go, uint64_t address)
{
	assert_ptr_equal(go, FAKE_GO);
	return address >= fake_go.code_start && address < fake_go.code_end;
}

bool go_process_is_goexit(const struct go_process *go, uint64_t address)
{
	assert_ptr_equal(go, FAKE_GO);
	return address == fake_go.goexit;
}

int go_process_frame_size(const struct go_process *go, uint64_t address, uint64_t *size)
{
	assert_ptr_equal(go, FAKE_GO);
	return fake_go.frame_size ? fake_go.frame_size(address, size) : -ENOENT;
}

/* In the place of the C library's. */
ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count,
			 const struct iovec *remote, unsigned long remote_count,
			 unsigned long flags)
{
	fake_go.reads++;
	if (fake_go.before_read)
		fake_go.before_read(fake_go.reads);
	return syscall(SYS_process_vm_readv, pid, local, local_count, remote, remote_count, flags);
}

#endif
