// SPDX-License-Identifier: MIT
// Maps as records of the section "maps", in libbpf's 20-byte layout (gone from libbpf 1.0 on).
#include "linux_bpf.h"

struct bpf_map_def {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 map_flags;
};

struct bpf_map_def SEC("maps") packets = {
	.type = MAP_ARRAY,
	.key_size = sizeof(u32),
	.value_size = sizeof(u64),
	.max_entries = 16,
};

struct bpf_map_def SEC("maps") flows = {
	.type = MAP_HASH,
	.key_size = 12,
	.value_size = 24,
	.max_entries = 4096,
	.map_flags = F_NO_PREALLOC,
};

SEC("socket")
int count_packets(void *ctx)
{
	u32 slot = 0;
	u64 *count = map_lookup_elem(&packets, &slot);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("socket/flows")
int find_flow(void *ctx)
{
	u32 flow[3] = {1, 2, 3};

	return map_lookup_elem(&flows, flow) ? -1 : 0;
}

LICENSE("GPL");
