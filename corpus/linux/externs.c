// SPDX-License-Identifier: MIT
// Externs of every kind: kernel functions and variables (strong and weak, typed and typeless) and
// kernel configuration values.
#include "linux_bpf.h"

#define KSYM __attribute__((section(".ksyms")))
#define KCONFIG __attribute__((section(".kconfig")))

struct rq {
	int cpu;
} CORE;
struct task_struct;
enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

extern struct task_struct *bpf_task_acquire(struct task_struct *task) KSYM;
extern void bpf_task_release(struct task_struct *task) KSYM;
extern int bpf_not_yet_written(int value) KSYM WEAK;

extern const struct rq runqueues KSYM;
extern const int bpf_prog_active KSYM WEAK;
extern const void init_task KSYM;
extern const void bpf_missing_symbol KSYM WEAK;

extern u32 LINUX_KERNEL_VERSION KCONFIG;
extern u32 CONFIG_HZ KCONFIG;
extern bool CONFIG_BPF_JIT KCONFIG;
extern enum libbpf_tristate CONFIG_TUN KCONFIG WEAK;
extern char CONFIG_DEFAULT_HOSTNAME[32] KCONFIG WEAK;
extern u64 CONFIG_NO_SUCH_OPTION KCONFIG WEAK;

volatile u64 result;

SEC("tp_btf/task_newtask")
int on_new_task(u64 *ctx)
{
	struct task_struct *task = bpf_task_acquire((void *)ctx[0]);

	if (task)
		bpf_task_release(task);
	if (bpf_not_yet_written)
		result = bpf_not_yet_written(1);
	return 0;
}

SEC("raw_tp/sys_enter")
int read_kernel(void *ctx)
{
	struct rq *rq = per_cpu_ptr(&runqueues, 0);

	if (rq)
		result = rq->cpu;
	if (&bpf_prog_active)
		result += *(volatile int *)&bpf_prog_active;
	if (&bpf_missing_symbol)
		result += (u64)&bpf_missing_symbol;
	result += (u64)&init_task + LINUX_KERNEL_VERSION + CONFIG_HZ + CONFIG_BPF_JIT;
	result += CONFIG_TUN + CONFIG_DEFAULT_HOSTNAME[0] + CONFIG_NO_SUCH_OPTION;
	return 0;
}

LICENSE("GPL");
