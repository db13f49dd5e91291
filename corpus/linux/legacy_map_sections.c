// SPDX-License-Identifier: MIT
// One section per map ("maps/<name>"), two record sizes, and a kernel version section: the habits of
// loaders before libbpf 0.1.
#include "linux_bpf.h"

struct long_record {
	u32 type, key_size, value_size, max_entries, map_flags;
};

struct short_record {
	u32 type, key_size, value_size, max_entries;
};

struct long_record SEC("maps/counts") counts = {MAP_PERCPU_HASH, 8, 8, 1024, F_NO_PREALLOC};
struct short_record SEC("maps/events") events = {MAP_PERF_EVENT_ARRAY, 4, 4, 128};

SEC("kprobe/do_exit")
int on_exit(void *ctx)
{
	u64 task = get_current_pid_tgid();
	u64 one = 1;

	map_update_elem(&counts, &task, &one, 0);
	return 0;
}

SEC("kretprobe/do_exit")
int after_exit(void *ctx)
{
	return map_lookup_elem(&events, &(u32){0}) != 0;
}

LICENSE("GPL");
u32 _version SEC("version") = 0x060c00;
