// SPDX-License-Identifier: MIT
// struct_ops maps with and without a link, and optional ones; their programs, one of them sleepable.
#include "linux_bpf.h"

struct sock;

struct tcp_congestion_ops {
	void (*init)(struct sock *sk);
	u32 (*ssthresh)(struct sock *sk);
	u32 (*undo_cwnd)(struct sock *sk);
	u32 flags;
	char name[16];
} CORE;

struct newer_ops {
	int (*run)(void *argument);
	u32 flags;
} CORE;

SEC("struct_ops/init")
void start(u64 *ctx)
{
}

SEC("struct_ops")
u32 threshold(u64 *ctx)
{
	return 2;
}

SEC("?struct_ops/undo_cwnd")
u32 undo(u64 *ctx)
{
	return 10;
}

SEC("struct_ops.s/run")
int run(u64 *ctx)
{
	return 0;
}

SEC(".struct_ops")
struct tcp_congestion_ops plain = {
	.init = (void *)start,
	.ssthresh = (void *)threshold,
	.flags = 1,
	.name = "corpus_plain",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops linked = {
	.init = (void *)start,
	.undo_cwnd = (void *)undo,
	.name = "corpus_linked",
};

SEC("?.struct_ops.link")
struct newer_ops optional = {
	.run = (void *)run,
};

LICENSE("GPL");
