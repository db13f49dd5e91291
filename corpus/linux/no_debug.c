// SPDX-License-Identifier: MIT
// Compiled without -g: the map definition is there, but not the BTF that says what it means.
#include "linux_bpf.h"

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 1);
	TYPE_OF(key, u32);
	TYPE_OF(value, u64);
} counts SEC(".maps");

SEC("xdp")
int count(void *ctx)
{
	u32 slot = 0;
	u64 *value = map_lookup_elem(&counts, &slot);

	if (value)
		(*value)++;
	return 2;
}

LICENSE("GPL");
