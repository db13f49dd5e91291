// SPDX-License-Identifier: MIT
// Maps that live under a name, a map of maps, and what the kernel knows: options and symbols.
#include "linux_bpf.h"

#define KCONFIG __attribute__((section(".kconfig")))
#define KSYM __attribute__((section(".ksyms")))

extern u32 LINUX_KERNEL_VERSION KCONFIG;
extern bool CONFIG_BPF_SYSCALL KCONFIG;
extern u32 CONFIG_NO_SUCH_OPTION KCONFIG WEAK;
extern const void schedule KSYM;
extern const void no_such_symbol KSYM WEAK;
extern const int runqueues_of_nobody KSYM WEAK;
int no_such_function(int) KSYM WEAK;

struct inner {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 1);
	TYPE_OF(key, u32);
	TYPE_OF(value, u32);
};

struct inner one SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY_OF_MAPS);
	NUMBER(max_entries, 3);
	TYPE_OF(key, u32);
	VALUES(values, struct inner);
} outer SEC(".maps") = {
	.values = {[2] = (void *)&one},
};

struct {
	NUMBER(type, MAP_HASH);
	NUMBER(max_entries, 8);
	TYPE_OF(key, u32);
	TYPE_OF(value, u64);
	NUMBER(pinning, PIN_BY_NAME);
} kept SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 2);
	TYPE_OF(key, u32);
	TYPE_OF(value, u64);
	NUMBER(pinning, PIN_BY_NAME);
} kept_too SEC(".maps");

u64 version = 0, option = 0, absent = 9, address = 0, missing = 9;

SEC("xdp")
int learn(void *ctx)
{
	u32 two = 2, zero = 0, *value;
	void *found = map_lookup_elem(&outer, &two);

	version = LINUX_KERNEL_VERSION;
	option = CONFIG_BPF_SYSCALL;
	absent = CONFIG_NO_SUCH_OPTION;
	address = (u64)&schedule;
	missing = (u64)&no_such_symbol;
	if (&runqueues_of_nobody)
		missing = 5;
	if (no_such_function)
		missing = no_such_function(1);
	if (found) {
		value = map_lookup_elem(found, &zero);
		if (value)
			*value += 1;
	}
	return map_lookup_elem(&kept, &zero) ? 1 : map_lookup_elem(&kept_too, &zero) ? 2 : 3;
}

LICENSE("GPL");
