// SPDX-License-Identifier: MIT
// What the conformance suite of loaders asks for, and nothing else.
#include "linux_bpf.h"

struct {
	NUMBER(type, MAP_HASH);
	NUMBER(max_entries, 2);
	NUMBER(key_size, 4);
	NUMBER(value_size, 8);
} table SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 4);
	NUMBER(key_size, 4);
	NUMBER(value_size, 8);
} slots SEC(".maps");

SEC("xdp")
int one(void *ctx)
{
	return 1;
}

SEC("xdp")
int two(void *ctx)
{
	u32 key = 0;

	return map_lookup_elem(&table, &key) || map_lookup_elem(&slots, &key) ? 2 : 1;
}

LICENSE("GPL");
