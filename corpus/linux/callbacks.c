// SPDX-License-Identifier: MIT
// Static functions handed to helpers: their address is an LDDW with a function relocation.
#include "linux_bpf.h"

struct value {
	struct {
		u64 opaque[2];
	} timer;
	u64 fired;
};

struct {
	NUMBER(type, MAP_HASH);
	NUMBER(max_entries, 10);
	TYPE_OF(key, u32);
	TYPE_OF(value, struct value);
} states SEC(".maps");

static int on_round(u32 index, u64 *sum)
{
	*sum += index;
	return *sum > 100;
}

static int on_element(void *map, u32 *key, struct value *value, u64 *sum)
{
	u64 inner = 0;

	*sum += value->fired + *key;
	return loop(3, on_round, &inner, 0) < 0;
}

static int on_timer(void *map, u32 *key, struct value *value)
{
	value->fired++;
	return 0;
}

SEC("tc")
int call_back(void *ctx)
{
	u64 sum = 0;
	u32 key = 0;
	struct value *value = map_lookup_elem(&states, &key);

	loop(10, on_round, &sum, 0);
	for_each_map_elem(&states, on_element, &sum, 0);
	if (value) {
		timer_init(&value->timer, &states, 1);
		timer_set_callback(&value->timer, on_timer);
		timer_start(&value->timer, 1000, 0);
	}
	return sum & 1;
}

LICENSE("GPL");
