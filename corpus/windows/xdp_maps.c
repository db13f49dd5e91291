// SPDX-License-Identifier: MIT
// "xdp" with packet access and maps; subprograms in .text.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

struct {
	NUMBER(type, BPF_MAP_TYPE_LPM_TRIE);
	NUMBER(key_size, 8);
	TYPE_OF(value, uint32_t);
	NUMBER(max_entries, 500);
} blocked SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE_OF(key, uint32_t);
	TYPE_OF(value, uint64_t);
	NUMBER(max_entries, 1);
} drops SEC(".maps");

static NOINLINE int is_blocked(uint32_t address)
{
	uint32_t key[2] = {32, address};

	return bpf_map_lookup_elem(&blocked, key) != 0;
}

SEC("xdp")
int filter(xdp_md_t *ctx)
{
	uint8_t *packet = ctx->data;
	uint32_t slot = 0;
	uint64_t *count;

	if (packet + 34 > (uint8_t *)ctx->data_end || !is_blocked(*(uint32_t *)(packet + 26)))
		return XDP_PASS;
	count = bpf_map_lookup_elem(&drops, &slot);
	if (count)
		*count += 1;
	return XDP_DROP;
}

SEC("xdp/encapsulate")
int encapsulate(xdp_md_t *ctx)
{
	return bpf_xdp_adjust_head(ctx, -20) ? XDP_DROP : XDP_TX;
}
