// SPDX-License-Identifier: MIT
// Section "bind" (Windows only) and BTF maps whose type numbers mean other types on Linux.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

struct process_entry {
	uint32_t count;
	uint8_t name[64];
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	TYPE_OF(key, uint64_t);
	TYPE_OF(value, struct process_entry);
	NUMBER(max_entries, 1024);
	NUMBER(pinning, LIBBPF_PIN_BY_NAME);
} processes SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(key_size, sizeof(uint32_t));
	NUMBER(value_size, sizeof(uint64_t));
	NUMBER(max_entries, 2);
} limits SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_QUEUE);
	TYPE_OF(value, uint64_t);
	NUMBER(max_entries, 8);
} denied SEC(".maps");

SEC("bind")
int quota(bind_md_t *ctx)
{
	uint32_t slot = 0;
	uint64_t process = ctx->process_id;
	struct process_entry *entry = bpf_map_lookup_elem(&processes, &process);
	uint64_t *limit = bpf_map_lookup_elem(&limits, &slot);

	if (!entry || !limit || ctx->operation != BIND_OPERATION_BIND)
		return BIND_PERMIT_SOFT;
	if (++entry->count <= *limit)
		return BIND_PERMIT_HARD;
	bpf_map_push_elem(&denied, &process, 0);
	return BIND_DENY;
}
