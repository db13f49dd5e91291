// SPDX-License-Identifier: MIT
// The object docs/btf.md is about: clang -g -O2 -target bpf -c probe.c -o probe.bpf.o
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
#define bpf_core_field_exists(field) __builtin_preserve_field_info(field, 2)

struct sched_entity {
	s64 vlag; // since Linux 6.6
} CORE;

struct task_struct {
	unsigned int __state; // `state` before Linux 5.14
	int tgid;
	struct sched_entity se;
} CORE;

struct task_struct___old {
	volatile long state;
} CORE;

u64 states, lag;

SEC("tp_btf/sched_switch")
int count(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1];

	if (bpf_core_field_exists(task->__state))
		states += task->__state;
	else
		states += ((struct task_struct___old *)task)->state;
	return 0;
}

SEC("tp_btf/sched_wakeup")
int measure(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	lag += task->se.vlag;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
