// SPDX-License-Identifier: MIT
// An arena, its globals (clang puts them into .addr_space.1) and casts between address spaces.
// map_extra is wider than 32 bits, so it is an enum (BTF kind ENUM64) instead of an array length.
#include "linux_bpf.h"

#define ARENA __attribute__((address_space(1)))

struct {
	NUMBER(type, MAP_ARENA);
	NUMBER(map_flags, F_MMAPABLE);
	NUMBER(max_entries, 100);
	WIDE_NUMBER(map_extra, 1ull << 44);
} arena SEC(".maps");

struct node {
	struct node ARENA *next;
	u64 value;
};

struct node ARENA first = {0, 41};
u32 ARENA length = 1;
u64 sum;

SEC("syscall")
int walk(void *ctx)
{
	struct node ARENA *node = &first;

	map_lookup_elem(&arena, &(u32){0});
	for (u32 i = 0; node && i < length; i++) {
		sum += node->value;
		node = node->next;
	}
	return (u64)(struct node *)node & 1;
}

LICENSE("GPL");
