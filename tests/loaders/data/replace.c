// SPDX-License-Identifier: MIT
// A program with a function to replace, and what replaces it.
#include "linux_bpf.h"

struct xdp_md {
	u32 data;
	u32 data_end;
};

NOINLINE int verdict(struct xdp_md *ctx)
{
	volatile int answer = 1;

	return ctx->data_end ? answer : 0;
}

SEC("xdp")
int judge(struct xdp_md *ctx)
{
	return verdict(ctx);
}

SEC("?freplace/verdict")
int other_verdict(struct xdp_md *ctx)
{
	return 3;
}

LICENSE("GPL");
