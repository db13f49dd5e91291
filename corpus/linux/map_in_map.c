// SPDX-License-Identifier: MIT
// Maps of maps: the inner map described in place or by a named type, with and without initial values.
#include "linux_bpf.h"

struct inner_array {
	NUMBER(type, MAP_ARRAY);
	NUMBER(max_entries, 5);
	TYPE_OF(key, u32);
	TYPE_OF(value, u64);
};

struct inner_array first SEC(".maps"), second SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY_OF_MAPS);
	NUMBER(max_entries, 4);
	TYPE_OF(key, u32);
	VALUES(values, struct inner_array);
} filled SEC(".maps") = {
	.values = {[0] = &first, [3] = &second},
};

struct {
	NUMBER(type, MAP_HASH_OF_MAPS);
	NUMBER(max_entries, 16);
	NUMBER(key_size, 8);
	VALUES(values, struct {
		NUMBER(type, MAP_HASH);
		NUMBER(max_entries, 7);
		TYPE_OF(key, u16);
		TYPE_OF(value, u8[6]);
		NUMBER(map_flags, F_NO_PREALLOC);
	});
} empty SEC(".maps");

struct {
	NUMBER(type, MAP_ARRAY_OF_MAPS);
	NUMBER(max_entries, 2);
	NUMBER(key_size, sizeof(u32));
	NUMBER(value_size, sizeof(u32));
} undescribed SEC(".maps");

SEC("tc")
int look_up(void *ctx)
{
	u32 slot = 3;
	u64 name = 1;
	void *array = map_lookup_elem(&filled, &slot);
	void *hash = map_lookup_elem(&empty, &name);

	if (!array || !hash)
		return 0;
	return map_lookup_elem(array, &slot) == map_lookup_elem(&undescribed, &slot);
}

LICENSE("GPL");
