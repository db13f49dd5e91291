// SPDX-License-Identifier: MIT
// BTF-defined maps of many types: key and value by type or by size, flags, pinning, NUMA node,
// map_extra, and types that have no key.
#include "linux_bpf.h"

struct address {
	u32 prefix;
	u8 bytes[4];
};

struct event {
	u64 time;
	u32 cpu;
	char name[16];
};

struct {
	NUMBER(type, MAP_HASH);
	NUMBER(max_entries, 8192);
	TYPE_OF(key, struct address);
	TYPE_OF(value, struct event);
	NUMBER(map_flags, F_NO_PREALLOC);
	NUMBER(pinning, PIN_BY_NAME);
} by_address SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(key_size, sizeof(u32));
	NUMBER(value_size, 40);
	NUMBER(max_entries, 3);
	NUMBER(map_flags, F_MMAPABLE | F_RDONLY_PROG);
} settings SEC(".maps");

struct {
	NUMBER(type, MAP_RINGBUF);
	NUMBER(max_entries, 1 << 18);
} events SEC(".maps");

struct {
	NUMBER(type, MAP_LRU_HASH);
	NUMBER(max_entries, 100);
	TYPE_OF(key, u16);
	TYPE_OF(value, u8);
	NUMBER(map_flags, F_NUMA_NODE);
	NUMBER(numa_node, 1);
} recent SEC(".maps");

struct {
	NUMBER(type, MAP_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE_OF(key, u32);
	TYPE_OF(value, u64[2]);
} per_cpu SEC(".maps");

struct {
	NUMBER(type, MAP_BLOOM_FILTER);
	NUMBER(max_entries, 1000);
	TYPE_OF(value, u32);
	NUMBER(map_extra, 3);
} seen SEC(".maps");

struct {
	NUMBER(type, MAP_LPM_TRIE);
	NUMBER(max_entries, 64);
	TYPE_OF(key, struct address);
	TYPE_OF(value, u32);
	NUMBER(map_flags, F_NO_PREALLOC);
} routes SEC(".maps");

struct {
	NUMBER(type, MAP_QUEUE);
	NUMBER(max_entries, 32);
	TYPE_OF(value, struct event);
} backlog SEC(".maps");

struct {
	NUMBER(type, MAP_STACK_TRACE);
	NUMBER(key_size, sizeof(u32));
	NUMBER(value_size, 127 * sizeof(u64));
} stacks SEC(".maps");

struct {
	NUMBER(type, MAP_TASK_STORAGE);
	NUMBER(map_flags, F_NO_PREALLOC);
	TYPE_OF(key, int);
	TYPE_OF(value, struct event);
} per_task SEC(".maps");

SEC("xdp")
int record(void *ctx)
{
	struct address key = {32, {10, 0, 0, 1}};
	struct event *event = map_lookup_elem(&by_address, &key);

	if (event)
		ringbuf_output(&events, event, sizeof(*event), 0);
	return 2;
}

LICENSE("GPL");
