/* SPDX-License-Identifier: MIT */
/* Map types by efW's numbers (most differ from Linux), both ways to define a map. */
#ifndef CORPUS_EFW_MAPS_H
#define CORPUS_EFW_MAPS_H

#include "efw/types.h"

typedef enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC = 0,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_HASH = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 5,
	BPF_MAP_TYPE_HASH_OF_MAPS = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 7,
	BPF_MAP_TYPE_LRU_HASH = 8,
	BPF_MAP_TYPE_LPM_TRIE = 9,
	BPF_MAP_TYPE_QUEUE = 10,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 11,
	BPF_MAP_TYPE_STACK = 12,
	BPF_MAP_TYPE_RINGBUF = 13,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 14,
} ebpf_map_type_t;

typedef enum { LIBBPF_PIN_NONE = 0, LIBBPF_PIN_BY_NAME = 1 } ebpf_pin_type_t;

/* The legacy record: 32 bytes, offset 16 is not the flags that Linux has there. */
typedef struct _ebpf_map_definition_in_file {
	ebpf_map_type_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t inner_map_idx;
	ebpf_pin_type_t pinning;
	uint32_t id;
	uint32_t inner_id;
} ebpf_map_definition_in_file_t;

/* Members of a BTF map definition. */
#define NUMBER(member, value) int (*member)[value]
#define TYPE_OF(member, type) typeof(type) *member
#define VALUES(member, type) typeof(type) *member[]

#endif
