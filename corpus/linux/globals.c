// SPDX-License-Identifier: MIT
// Global variables: static and global, initialised, zero and constant, in sections of their own,
// and a string literal, which clang puts into .rodata.str1.1.
#include "linux_bpf.h"

const volatile u32 sample_rate = 100;
const volatile bool verbose = 0;
static const volatile u16 ports[4] = {22, 80, 443, 8080};

u64 total = 0x1122334455667788;
static volatile s32 offset = -7;
char name[8] = "corpus";

u64 zeroed[3];
static volatile u32 hits;

u32 custom SEC(".data.custom") = 5;
static volatile u8 bytes[3] SEC(".data.custom") = {1, 2, 3};
const volatile u64 limit SEC(".rodata.limits") = 1ull << 40;
u32 scratch[16] SEC(".bss.scratch");
HIDDEN u32 internal = 9;

SEC("tracepoint/syscalls/sys_enter_openat")
int sample(void *ctx)
{
	u32 cpu = get_smp_processor_id();

	if (sample_rate && total % sample_rate == 0)
		hits++;
	total += ports[cpu & 3] + offset + limit;
	zeroed[cpu % 3] += custom + bytes[cpu % 3] + internal;
	scratch[cpu & 15] = hits;
	name[0] = 'C';
	if (verbose)
		trace_printk("sampled %d", 11, cpu);
	return 0;
}

LICENSE("GPL");
