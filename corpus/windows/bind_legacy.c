// SPDX-License-Identifier: MIT
// Legacy 32-byte map records, found by index and by id; compiled with and without BTF and tag.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

SEC("maps")
ebpf_map_definition_in_file_t ports = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(uint16_t),
	.value_size = sizeof(uint64_t),
	.max_entries = 64,
};

SEC("maps")
ebpf_map_definition_in_file_t by_index = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(uint32_t),
	.max_entries = 3,
	.inner_map_idx = 2,
};

SEC("maps")
ebpf_map_definition_in_file_t inner = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(uint32_t),
	.max_entries = 9,
	.pinning = LIBBPF_PIN_BY_NAME,
	.id = 7,
};

SEC("maps")
ebpf_map_definition_in_file_t by_id = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.key_size = sizeof(uint64_t),
	.value_size = sizeof(uint32_t),
	.max_entries = 5,
	.inner_id = 7,
};

SEC("bind")
int watch(bind_md_t *ctx)
{
	uint16_t port = *(uint16_t *)&ctx->socket_address[2];
	uint64_t process = ctx->process_id;
	uint32_t slot = 1;

	bpf_map_update_elem(&ports, &port, &process, 0);
	if (bpf_map_lookup_elem(&by_index, &slot) || bpf_map_lookup_elem(&by_id, &process))
		return BIND_DENY;
	return bpf_map_lookup_elem(&inner, &slot) ? BIND_PERMIT_HARD : BIND_PERMIT_SOFT;
}
