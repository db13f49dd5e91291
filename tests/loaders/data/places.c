// SPDX-License-Identifier: MIT
// One program for each of the places the loader attaches to that the other objects leave out.
#include "linux_bpf.h"

u64 filtered = 0, sampled = 0, user = 0, many = 0, filter_runs = 0, looked_up = 0;
const volatile u32 watched_pid = 0;

static bool is_watched(void)
{
	return get_current_pid_tgid() >> 32 == watched_pid;
}

SEC("tc")
int on_tc(void *ctx)
{
	filtered += 1;
	return -1;
}

SEC("socket")
int on_socket(void *ctx)
{
	filter_runs += 1;
	return 0;
}

SEC("sk_lookup")
int on_lookup(void *ctx)
{
	looked_up += 1;
	return 1;
}

SEC("netfilter")
int on_netfilter(void *ctx)
{
	filtered += 1;
	return 1;
}

SEC("perf_event")
int on_sample(void *ctx)
{
	sampled += 1;
	return 0;
}

SEC("uprobe")
int on_user(void *ctx)
{
	user += is_watched();
	return 0;
}

SEC("kprobe.multi/vfs_open")
int on_many(void *ctx)
{
	many += is_watched();
	return 0;
}

SEC("uprobe.multi")
int on_many_users(void *ctx)
{
	user += is_watched();
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int on_tracepoint(void *ctx)
{
	many += is_watched();
	return 0;
}

LICENSE("GPL");
