// SPDX-License-Identifier: MIT
// Programs the loader tests attach or run on the machine they run on.
#include "linux_bpf.h"

struct pair {
	u32 packets;
	u64 bytes;
};

struct context {
	u32 data;
	u32 data_end;
};

struct address {
	u32 user_family;
	u32 user_ip4;
	u32 user_ip6[4];
	u32 user_port;
};

struct event {
	u32 pid;
	u16 kind;
	char comm[6];
};

static long (*const get_current_comm)(void *to, u32 size) = (void *)16;
static long (*const perf_event_output)(void *ctx, void *map, u64 flags, void *data,
				       u64 size) = (void *)25;

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 1);
	TYPE_OF(key, u32);
	TYPE_OF(value, struct pair);
} counts SEC(".maps");

struct {
	NUMBER(type, MAP_PERCPU_HASH);
	NUMBER(max_entries, 4);
	TYPE_OF(key, u32);
	TYPE_OF(value, struct pair);
} per_cpu SEC(".maps");

struct {
	NUMBER(type, MAP_RINGBUF);
	NUMBER(max_entries, 4096);
} events SEC(".maps");

struct {
	NUMBER(type, MAP_PERF_EVENT_ARRAY);
	NUMBER(key_size, 4);
	NUMBER(value_size, 4);
} samples SEC(".maps");

int last(void *ctx);

struct {
	NUMBER(type, MAP_PROG_ARRAY);
	NUMBER(max_entries, 2);
	NUMBER(key_size, 4);
	VALUES(values, int(void *));
} stages SEC(".maps") = {
	.values = {[1] = (void *)&last},
};

const volatile u32 blocked_port = 1;
const volatile u32 watched_pid = 0;
u64 seen = 0;

SEC("xdp")
int count(struct context *ctx)
{
	u32 zero = 0;
	struct pair *pair = map_lookup_elem(&counts, &zero);
	struct pair first = {1, 0};

	if (pair) {
		pair->packets += 1;
		pair->bytes += ctx->data_end - ctx->data;
	}
	pair = map_lookup_elem(&per_cpu, &zero);
	if (pair)
		pair->packets += 1;
	else
		map_update_elem(&per_cpu, &zero, &first, 0);
	seen += 1;
	return 2;
}

SEC("cgroup/connect4")
int guard(struct address *ctx)
{
	u32 port = ctx->user_port;

	return port != ((blocked_port & 0xff) << 8 | blocked_port >> 8);
}

SEC("raw_tp/sys_enter")
int notice(void *ctx)
{
	struct event event = {get_current_pid_tgid() >> 32, 7, ""};

	if (event.pid != watched_pid)
		return 0;
	get_current_comm(event.comm, sizeof(event.comm));
	ringbuf_output(&events, &event, sizeof(event), 0);
	perf_event_output(ctx, &samples, 0xffffffff, &event, sizeof(event));
	return 0;
}

SEC("xdp")
int last(void *ctx)
{
	return 4;
}

SEC("xdp")
int first(void *ctx)
{
	tail_call(ctx, &stages, 1);
	return 0;
}

LICENSE("GPL");
