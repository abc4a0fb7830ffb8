// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names addresses of ELF files by our index, by BCC's bcc_syms and by elfutils'
 * libdwfl, and prints what each costs. Each runs in a process of its own, for as long
 * as TIME_MAX_NS, on the same addresses: random ones in the file's code, so that
 * caches help nobody more than they would help with many different stacks.
 *
 *   bench_names FILE...
 */

#include <bcc/bcc_syms.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "process/elf_image.h"
#include "symbols/demangle.h"
#include "symbols/elf_symbols.h"

#define TIME_MAX_NS 10000000000ULL

enum {
	ADDRESSES = 100000,
	DISTINCT = 10000,
	NAME_SIZE = 512,
};

/* A file whose code is mapped where its loader would put it. */
struct target {
	const char *path;
	struct elf_segment code;
	uint64_t bias; /* from vaddrs to addresses in this process */
	uint64_t vaddrs[ADDRESSES];
};

/* One way to name addresses. */
struct method {
	const char *name;
	void *(*load)(const struct target *target);
	bool (*find)(void *loaded, const struct target *target, uint64_t vaddr);
};

struct result {
	double load_ms; /* up to the first name */
	double us;      /* a name, after that */
	double named;   /* part of the addresses that have one */
	double memory;  /* MiB that are not shared with files */
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static double anonymous_mib(void)
{
	autofclose FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			break;
	return kib / 1024;
}

static void *load_index(const struct target *target)
{
	autoclose int fd = open(target->path, O_RDONLY | O_CLOEXEC);
	struct elf_symbols *symbols = NULL;

	return elf_symbols_load(fd, NULL, &symbols, NULL) == 0 ? symbols : NULL;
}

static bool find_in_index(void *loaded, const struct target *target, uint64_t vaddr)
{
	struct elf_symbol symbol;

	(void)target;
	return elf_symbols_find(loaded, vaddr, &symbol);
}

static bool find_demangled(void *loaded, const struct target *target, uint64_t vaddr)
{
	autofree char *text = NULL;
	struct elf_symbol symbol;

	(void)target;
	if (!elf_symbols_find(loaded, vaddr, &symbol))
		return false;
	demangle(symbol.name, NAME_SIZE, &text);
	return true;
}

static void *load_bcc(const struct target *target)
{
	struct bcc_symbol_option option = {
		.use_debug_file = 1,
		.lazy_symbolize = 1,
		.use_symbol_type = 1 << STT_FUNC | 1 << STT_GNU_IFUNC,
	};

	(void)target;
	return bcc_symcache_new(getpid(), &option);
}

static bool find_by_bcc(void *loaded, const struct target *target, uint64_t vaddr)
{
	struct bcc_symbol symbol;

	return bcc_symcache_resolve_no_demangle(loaded, vaddr + target->bias, &symbol) == 0;
}

static bool find_demangled_by_bcc(void *loaded, const struct target *target, uint64_t vaddr)
{
	struct bcc_symbol symbol;

	if (bcc_symcache_resolve(loaded, vaddr + target->bias, &symbol) != 0)
		return false;
	bcc_symbol_free_demangle_name(&symbol);
	return true;
}

static void *load_dwfl(const struct target *target)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module = dwfl_report_offline(dwfl, target->path, target->path, -1);

	dwfl_report_end(dwfl, NULL, NULL);
	return module;
}

static bool find_by_dwfl(void *loaded, const struct target *target, uint64_t vaddr)
{
	GElf_Addr bias;
	GElf_Off offset;
	GElf_Sym symbol;

	(void)target;
	return dwfl_module_getelf(loaded, &bias) &&
	       dwfl_module_addrinfo(loaded, vaddr + bias, &offset, &symbol, NULL, NULL, NULL);
}

static const struct method methods[] = {
	{"parkscope", load_index, find_in_index},
	{"parkscope, demangled", load_index, find_demangled},
	{"bcc_syms", load_bcc, find_by_bcc},
	{"bcc_syms, demangled", load_bcc, find_demangled_by_bcc},
	{"libdwfl", load_dwfl, find_by_dwfl},
};

static struct result measure(const struct method *method, const struct target *target)
{
	double memory = anonymous_mib();
	uint64_t begin = now_ns(), loaded_at;
	void *loaded = method->load(target);
	size_t done, named = 0;

	if (!loaded)
		return (struct result){0};
	method->find(loaded, target, target->vaddrs[0]);
	loaded_at = now_ns();
	for (done = 0; done < ADDRESSES && now_ns() - loaded_at < TIME_MAX_NS; done++)
		named += method->find(loaded, target, target->vaddrs[done]);
	return (struct result){
		.load_ms = (double)(loaded_at - begin) / 1e6,
		.us = (double)(now_ns() - loaded_at) / 1e3 / (double)done,
		.named = (double)named / (double)done,
		.memory = anonymous_mib() - memory,
	};
}

/* In a process of its own, so that memory is that of one method. */
static int measure_apart(const struct method *method, const struct target *target,
			 struct result *result)
{
	struct result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int status;

	if (shared == MAP_FAILED)
		return -1;
	child = fork();
	if (child == 0) {
		*shared = measure(method, target);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return -1;
	*result = *shared;
	munmap(shared, sizeof(*shared));
	return 0;
}

/* The largest executable segment, mapped for BCC, which asks /proc/PID/maps. */
static int map_code(struct target *target)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open(target->path, O_RDONLY | O_CLOEXEC);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct elf_segment *segments;
	uint64_t skipped;
	size_t count;
	char *mapped;

	if (fd < 0 || elf_image_open_fd(fd, &image, NULL) < 0)
		return -1;
	count = elf_image_segments(image, &segments);
	for (size_t i = 0; i < count; i++)
		if (segments[i].type == PT_LOAD && segments[i].flags & PF_X &&
		    segments[i].file_size > target->code.file_size)
			target->code = segments[i];
	skipped = target->code.offset % page;
	/* What is not position-independent has its own place, which ours leaves free. */
	mapped = mmap((void *)(uintptr_t)(target->code.vaddr - skipped),
		      target->code.file_size + skipped, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
		      (off_t)(target->code.offset - skipped));
	if (mapped == MAP_FAILED)
		return -1;
	target->bias = (uint64_t)(uintptr_t)mapped + skipped - target->code.vaddr;
	return 0;
}

static void choose_addresses(struct target *target)
{
	uint64_t distinct[DISTINCT];

	srandom(1);
	for (size_t i = 0; i < DISTINCT; i++)
		distinct[i] = target->code.vaddr + ((uint64_t)random() << 31 | (uint64_t)random()) %
							   target->code.file_size;
	for (size_t i = 0; i < ADDRESSES; i++)
		target->vaddrs[i] = distinct[random() % DISTINCT];
}

static int bench(struct target *target)
{
	const char *slash = strrchr(target->path, '/');
	struct result ours = {0}, result;

	if (map_code(target) < 0)
		return -1;
	choose_addresses(target);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (measure_apart(&methods[i], target, &result) < 0)
			return -1;
		if (i == 0)
			ours = result;
		printf("%-12.12s  %-20s  %8.1f  %9.2f  %8.1f  %6.1f  %6.1f\n",
		       slash ? slash + 1 : target->path, methods[i].name, result.load_ms, result.us,
		       result.us / ours.us, 100 * result.named, result.memory);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct target target;

	printf("%-12s  %-20s  %8s  %9s  %8s  %6s  %6s\n", "file", "names by", "load ms", "us/name",
	       "ratio", "named%", "MiB");
	fflush(stdout);
	for (int i = 1; i < argc; i++) {
		target = (struct target){.path = argv[i]};
		if (bench(&target) < 0) {
			fprintf(stderr, "bench_names: cannot measure %s\n", argv[i]);
			return 1;
		}
	}
	return 0;
}
