/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_BPF_MAPS_H
#define PARKSCOPE_TESTS_BPF_MAPS_H

/* Maps like those of bpf/unwind.bpf.h, without a program; needs root, as all that uses BPF. */

#include <bpf/bpf.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "unit_test.h"

struct unwind_maps {
	int processes;
	int mappings;
	int shards;
};

static inline int map_of(enum bpf_map_type type, uint32_t value_size, uint32_t entries,
			 uint32_t flags, int inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd;

	if (inner >= 0)
		options.inner_map_fd = (uint32_t)inner;
	fd = bpf_map_create(type, "unit_test", sizeof(uint32_t), value_size, entries, &options);
	assert_true(fd >= 0);
	return fd;
}

static inline struct unwind_maps unwind_maps_open(void)
{
	int inner = map_of(BPF_MAP_TYPE_ARRAY, sizeof(struct unwind_row), ABI_UNWIND_SHARD_ROWS,
			   BPF_F_MMAPABLE, -1);
	struct unwind_maps maps = {
		.processes = map_of(BPF_MAP_TYPE_HASH, sizeof(struct abi_unwind_process),
				    ABI_UNWIND_PROCESSES_MAX, 0, -1),
		.mappings = map_of(BPF_MAP_TYPE_ARRAY, sizeof(struct abi_unwind_mapping),
				   ABI_UNWIND_MAPPINGS_MAX, BPF_F_MMAPABLE, -1),
		.shards = map_of(BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t),
				 ABI_UNWIND_SHARDS_MAX, 0, inner),
	};

	close(inner);
	return maps;
}

static inline void unwind_maps_close(const struct unwind_maps *maps)
{
	close(maps->processes);
	close(maps->mappings);
	close(maps->shards);
}

/* The row as BPF would read it. */
static inline struct unwind_row row_in_shard(const struct unwind_maps *maps, uint32_t shard,
					     uint32_t index)
{
	struct unwind_row row = {0};
	uint32_t id = 0;
	int fd;

	assert_int_equal(bpf_map_lookup_elem(maps->shards, &shard, &id), 0);
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &index, &row), 0);
	close(fd);
	return row;
}

#endif
