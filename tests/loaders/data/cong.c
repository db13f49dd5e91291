// SPDX-License-Identifier: MIT
// A TCP congestion control that does next to nothing.
#include "linux_bpf.h"

struct sock;

struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
	u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
} CORE;

SEC("struct_ops")
u32 threshold(u64 *ctx)
{
	return 2;
}

SEC("struct_ops")
void avoid(u64 *ctx)
{
}

SEC("struct_ops")
u32 undo(u64 *ctx)
{
	return 10;
}

SEC(".struct_ops")
struct tcp_congestion_ops lazy = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "ebpf_lazy",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops lazy_link = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "ebpf_lazy_link",
};

LICENSE("GPL");
