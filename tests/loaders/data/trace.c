// SPDX-License-Identifier: MIT
// Programs that need a kernel with function tracing: fentry, fexit, LSM, kprobe, an iterator.
#include "linux_bpf.h"

struct task_struct {
	int pid;
} CORE;

struct bpf_iter__task {
	struct task_struct *task;
} CORE;

u64 entered = 0, left = 0, asked = 0, probed = 0, listed = 0;
const volatile u32 watched_pid = 0;

static bool is_watched(void)
{
	return get_current_pid_tgid() >> 32 == watched_pid;
}

SEC("fentry/vfs_open")
int on_entry(u64 *ctx)
{
	entered += is_watched();
	return 0;
}

SEC("fexit/vfs_open")
int on_exit(u64 *ctx)
{
	left += is_watched();
	return 0;
}

SEC("lsm/file_open")
int on_open(u64 *ctx)
{
	asked += is_watched();
	return 0;
}

SEC("kprobe/vfs_open")
int on_probe(void *ctx)
{
	probed += is_watched();
	return 0;
}

SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		listed += 1;
	return 0;
}

LICENSE("GPL");
