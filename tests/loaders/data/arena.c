// SPDX-License-Identifier: MIT
// Variables in an arena, read by a program that user space runs.
#include "linux_bpf.h"

#define ARENA __attribute__((address_space(1)))

struct {
	NUMBER(type, MAP_ARENA);
	NUMBER(map_flags, F_MMAPABLE);
	NUMBER(max_entries, 16);
	WIDE_NUMBER(map_extra, 1ull << 44);
} arena SEC(".maps");

u32 ARENA padding = 7;
u32 ARENA answer = 35;

SEC("syscall")
int sum(void *ctx)
{
	answer += padding;
	return answer;
}

LICENSE("GPL");
