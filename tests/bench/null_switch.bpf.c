// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least that anything at sched_switch costs: a program that does nothing. */
#include "bpf/kernel_types.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_switch")
int null_switch(void *ctx)
{
	return 0;
}
