// SPDX-License-Identifier: MIT
// Tail calls (helper 5; Linux has 12) through a program array with initial values, and maps in a map.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

int second(xdp_md_t *ctx);

struct {
	NUMBER(type, BPF_MAP_TYPE_PROG_ARRAY);
	NUMBER(key_size, sizeof(uint32_t));
	NUMBER(max_entries, 4);
	VALUES(values, int(xdp_md_t *));
} programs SEC(".maps") = {
	.values = {[1] = second},
};

struct inner {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	TYPE_OF(key, uint32_t);
	TYPE_OF(value, uint32_t);
	NUMBER(max_entries, 20);
} shard SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	TYPE_OF(key, uint32_t);
	NUMBER(max_entries, 2);
	VALUES(values, struct inner);
} shards SEC(".maps") = {
	.values = {&shard},
};

SEC("xdp/first")
int first(xdp_md_t *ctx)
{
	uint32_t name = ctx->ingress_ifindex;

	if (bpf_map_lookup_elem(&shards, &name))
		bpf_tail_call(ctx, &programs, 1);
	return XDP_PASS;
}

SEC("xdp/second")
int second(xdp_md_t *ctx)
{
	return XDP_DROP;
}
