/* SPDX-License-Identifier: MIT */
/* The part of the Linux BPF ABI that the sources in corpus/linux/ need, declared from its numbers. */
#ifndef CORPUS_LINUX_BPF_H
#define CORPUS_LINUX_BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define CORE __attribute__((preserve_access_index))
#define LICENSE(text) char _license[] SEC("license") = text

/* Members of a BTF map definition: a number is the length of an array behind a pointer. */
#define NUMBER(member, value) int (*member)[value]
#define TYPE_OF(member, type) typeof(type) *member
#define VALUES(member, type) typeof(type) *member[]
/* A number too large for an array length: the value of a one-element enum. */
#define WIDE_NUMBER(member, value) enum { member##_is = value } member

enum {
	MAP_HASH = 1,
	MAP_ARRAY = 2,
	MAP_PROG_ARRAY = 3,
	MAP_PERF_EVENT_ARRAY = 4,
	MAP_PERCPU_HASH = 5,
	MAP_PERCPU_ARRAY = 6,
	MAP_STACK_TRACE = 7,
	MAP_LRU_HASH = 9,
	MAP_LRU_PERCPU_HASH = 10,
	MAP_LPM_TRIE = 11,
	MAP_ARRAY_OF_MAPS = 12,
	MAP_HASH_OF_MAPS = 13,
	MAP_DEVMAP = 14,
	MAP_QUEUE = 22,
	MAP_SK_STORAGE = 24,
	MAP_RINGBUF = 27,
	MAP_TASK_STORAGE = 29,
	MAP_BLOOM_FILTER = 30,
	MAP_ARENA = 33,
};

enum {
	F_NO_PREALLOC = 1,
	F_NUMA_NODE = 4,
	F_RDONLY_PROG = 128,
	F_MMAPABLE = 1024,
};

enum { PIN_BY_NAME = 1 };

static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const map_update_elem)(void *map, const void *key, const void *value,
				     u64 flags) = (void *)2;
static u64 (*const ktime_get_ns)(void) = (void *)5;
static long (*const trace_printk)(const char *format, u32 size, ...) = (void *)6;
static u32 (*const get_smp_processor_id)(void) = (void *)8;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const get_current_pid_tgid)(void) = (void *)14;
static long (*const probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static void *(*const per_cpu_ptr)(const void *variable, u32 cpu) = (void *)153;
static long (*const ringbuf_output)(void *map, void *data, u64 size, u64 flags) = (void *)130;
static long (*const for_each_map_elem)(void *map, void *callback, void *ctx,
				       u64 flags) = (void *)164;
static long (*const timer_init)(void *timer, void *map, u64 flags) = (void *)169;
static long (*const timer_set_callback)(void *timer, void *callback) = (void *)170;
static long (*const timer_start)(void *timer, u64 nanoseconds, u64 flags) = (void *)171;
static long (*const loop)(u32 count, void *callback, void *ctx, u64 flags) = (void *)181;

#endif
