// SPDX-License-Identifier: MIT
// Maps in the 36-byte layout of iproute2's own loader, with ids, pinning and an inner map,
// and tail-called programs in sections named <map id>/<slot>.
#include "linux_bpf.h"

struct bpf_elf_map {
	u32 type;
	u32 size_key;
	u32 size_value;
	u32 max_elem;
	u32 flags;
	u32 id;
	u32 pinning;
	u32 inner_id;
	u32 inner_idx;
};

enum { PIN_OBJECT_NS = 1, PIN_GLOBAL_NS = 2 };

struct bpf_elf_map SEC("maps") jumps = {
	.type = MAP_PROG_ARRAY,
	.id = 1,
	.size_key = sizeof(u32),
	.size_value = sizeof(u32),
	.pinning = PIN_OBJECT_NS,
	.max_elem = 2,
};

struct bpf_elf_map SEC("maps") inner = {
	.type = MAP_ARRAY,
	.id = 2,
	.size_key = sizeof(u32),
	.size_value = sizeof(u32),
	.inner_idx = 0,
	.max_elem = 8,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = MAP_ARRAY_OF_MAPS,
	.size_key = sizeof(u32),
	.size_value = sizeof(u32),
	.inner_id = 2,
	.pinning = PIN_GLOBAL_NS,
	.max_elem = 4,
};

SEC("1/0")
int first_jump(void *ctx)
{
	return 0;
}

SEC("classifier")
int ingress(void *ctx)
{
	u32 slot = 1;
	void *map = map_lookup_elem(&outer, &slot);

	if (map && map_lookup_elem(map, &slot))
		return 2;
	tail_call(ctx, &jumps, 0);
	return 0;
}

LICENSE("Dual MIT/GPL");
