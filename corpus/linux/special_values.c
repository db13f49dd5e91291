// SPDX-License-Identifier: MIT
// Map values with fields the kernel knows by type name (lock, timer, kernel pointers), and tags on
// declarations and types.
#include "linux_bpf.h"

struct bpf_spin_lock {
	u32 val;
};

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));

struct task_struct;

struct value {
	struct bpf_spin_lock lock;
	u32 count;
	struct bpf_timer timer;
	struct task_struct __attribute__((btf_type_tag("kptr"))) *task;
	struct task_struct __attribute__((btf_type_tag("kptr_untrusted"))) *hint;
};

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 1);
	TYPE_OF(key, u32);
	TYPE_OF(value, struct value);
} guarded SEC(".maps");

static long (*const spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static long (*const spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;

NOINLINE int count_up(u32 *by __attribute__((btf_decl_tag("arg:nonnull"))))
{
	u32 slot = 0;
	struct value *value = map_lookup_elem(&guarded, &slot);

	if (!value)
		return 0;
	spin_lock(&value->lock);
	value->count += by ? *by : 1;
	spin_unlock(&value->lock);
	return 1;
}

SEC("tc")
int locked(void *ctx)
{
	u32 by = 4;

	return count_up(&by);
}

LICENSE("GPL");
