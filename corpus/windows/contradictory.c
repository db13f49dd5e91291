// SPDX-License-Identifier: MIT
// The Windows tag on programs that only Linux can run.
#include "efw/types.h"

static uint64_t (*const ktime_get_ns)(void) = (void *)5;
static int (*const probe_read_kernel)(void *to, uint32_t size, const void *from) = (void *)113;

SEC("kprobe/do_unlinkat")
int on_unlink(void *ctx)
{
	uint64_t copy = ktime_get_ns();

	return probe_read_kernel(&copy, sizeof(copy), ctx);
}

SEC("tracepoint/sched/sched_switch")
int on_switch(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
