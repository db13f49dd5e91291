// A pretended ebpfapi: efW's functions with their signatures, on a runtime that lives in memory.
//
// Every name that starts with `stub_` is the tests' own; everything else is declared in
// prototypes.h, which generate.py makes from the C types of the facts, so that the compiler
// compares them with what stands here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define STUB_API __declspec(dllexport)
#else
#define STUB_API __attribute__((visibility("default")))
#endif

typedef int32_t fd_t;
typedef intptr_t ebpf_handle_t;
typedef uint8_t __u8;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef int32_t efw_long; // `long` has four bytes on Windows

typedef enum {
    EBPF_SUCCESS = 0,
    EBPF_VERIFICATION_FAILED = 1,
    EBPF_INVALID_FD = 4,
    EBPF_INVALID_OBJECT = 5,
    EBPF_INVALID_ARGUMENT = 6,
    EBPF_OBJECT_NOT_FOUND = 7,
    EBPF_OBJECT_ALREADY_EXISTS = 8,
    EBPF_FILE_NOT_FOUND = 9,
    EBPF_NO_MEMORY = 12,
    EBPF_OPERATION_NOT_SUPPORTED = 18,
    EBPF_KEY_NOT_FOUND = 19,
    EBPF_EXTENSION_FAILED_TO_LOAD = 23,
    EBPF_INSUFFICIENT_BUFFER = 24,
    EBPF_NO_MORE_KEYS = 25,
    EBPF_KEY_ALREADY_EXISTS = 26,
    EBPF_OUT_OF_SPACE = 29,
} ebpf_result_t;

typedef enum { EBPF_OBJECT_UNKNOWN, EBPF_OBJECT_MAP, EBPF_OBJECT_LINK, EBPF_OBJECT_PROGRAM } ebpf_object_type_t;
typedef enum { EBPF_EXECUTION_ANY } ebpf_execution_type_t;
typedef enum { EBPF_VERBOSITY_NORMAL } ebpf_verification_verbosity_t;
enum bpf_map_type { MAP_UNSPEC, MAP_HASH, MAP_ARRAY, MAP_PROG_ARRAY, MAP_PERCPU_HASH, MAP_PERCPU_ARRAY,
    MAP_HASH_OF_MAPS, MAP_ARRAY_OF_MAPS, MAP_LRU_HASH, MAP_LPM_TRIE, MAP_QUEUE, MAP_LRU_PERCPU_HASH,
    MAP_STACK, MAP_RINGBUF, MAP_PERF_EVENT_ARRAY, MAP_SAMPLE_HASH, MAP_XSKMAP };
enum bpf_prog_type { PROG_UNSPEC };
enum bpf_attach_type { ATTACH_UNSPEC };
enum bpf_link_type { LINK_UNSPEC };
typedef enum bpf_prog_type bpf_prog_type_t;
typedef enum bpf_attach_type bpf_attach_type_t;
typedef struct { uint8_t bytes[16]; } guid_t;
typedef guid_t ebpf_program_type_t;
typedef guid_t ebpf_attach_type_t;
typedef void (*ring_buffer_sample_fn)(void);
typedef void (*perf_buffer_sample_fn)(void* ctx, int cpu, void* data, __u32 size);
typedef void (*perf_buffer_lost_fn)(void* ctx, int cpu, __u64 count);

// Structures nobody looks into.
typedef struct ebpf_api_program_info ebpf_api_program_info_t;
typedef struct ebpf_api_verifier_stats ebpf_api_verifier_stats_t;
typedef struct ebpf_map_info ebpf_map_info_t;
typedef struct ebpf_program_info ebpf_program_info_t;
typedef struct ebpf_program_section_info ebpf_program_section_info_t;
typedef struct ebpf_verifier_map_info ebpf_verifier_map_info_t;
typedef struct ebpf_btf_function ebpf_btf_resolved_function_info_t;
typedef struct ebpf_btf_provider ebpf_btf_resolved_function_provider_info_t;
typedef struct ebpf_ring_consumer ebpf_ring_buffer_consumer_page_t;
typedef struct ebpf_ring_producer ebpf_ring_buffer_producer_page_t;
struct bpf_map; struct bpf_object; struct bpf_program; struct bpf_link; struct ring_buffer; struct perf_buffer;
struct bpf_create_map_attr; struct bpf_load_program_attr; struct bpf_object_load_attr;
struct bpf_map_create_opts; struct bpf_object_open_opts; struct bpf_prog_bind_opts;
struct bpf_prog_load_opts; struct bpf_test_run_opts; struct bpf_xdp_attach_opts;
struct perf_buffer_opts; struct ring_buffer_opts; struct ebpf_perf_buffer_opts;
struct ebpf_ring_buffer_opts;

struct bpf_insn { __u8 code; __u8 registers; int16_t offset; int32_t imm; };
struct bpf_map_batch_opts { size_t sz; __u64 elem_flags; __u64 flags; };

// What bpf() takes (include/linux/bpf.h of efW); numbers where pointers travel as numbers.
typedef struct { __u32 map_type, key_size, value_size, max_entries, map_flags, inner_map_fd, numa_node; char map_name[16]; __u32 map_ifindex; } sys_bpf_map_create_attr_t;
typedef struct { __u32 map_fd, _pad0; __u64 key, value, flags; } sys_bpf_map_lookup_attr_t;
typedef struct { __u32 map_fd, _pad0; __u64 key; } sys_bpf_map_delete_attr_t;
typedef struct { __u32 map_fd, _pad0; __u64 key, next_key; } sys_bpf_map_next_key_attr_t;
typedef struct { __u32 start_id, next_id; } sys_bpf_map_next_id_attr_t;
typedef struct {
    __u32 prog_type, insn_cnt; __u64 insns, license; __u32 log_level, log_size; __u64 log_buf;
    __u32 kern_version, prog_flags; char prog_name[16]; __u32 prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
    __u64 func_info; __u32 func_info_cnt, line_info_rec_size; __u64 line_info; __u32 line_info_cnt, attach_btf_id;
    union { __u32 attach_prog_fd, attach_btf_obj_fd; }; __u32 core_relo_cnt; __u64 fd_array, core_relos; __u32 core_relo_rec_size, log_true_size;
} sys_bpf_prog_load_attr_t;
typedef struct { __u32 target_fd, attach_bpf_fd, attach_type, attach_flags; } sys_bpf_prog_attach_attr_t;
typedef struct {
    __u32 prog_fd, retval, data_size_in, data_size_out; __u64 data_in, data_out; __u32 repeat, duration, ctx_size_in, ctx_size_out;
    __u64 ctx_in, ctx_out; __u32 flags, cpu, batch_size, _pad0;
} sys_bpf_prog_run_attr_t;
typedef struct { __u64 pathname; __u32 bpf_fd, flags; } sys_bpf_obj_pin_attr_t;
typedef struct { __u32 bpf_fd, info_len; __u64 info; } sys_bpf_obj_info_attr_t;
typedef struct { __u32 type, id, key_size, value_size, max_entries, map_flags; char name[16]; } sys_bpf_map_info_t;
typedef struct {
    __u32 type, id; __u8 tag[8]; __u32 jited_prog_len, xlated_prog_len; __u64 jited_prog_insns, xlated_prog_insns, load_time;
    __u32 created_by_uid, nr_map_ids; __u64 map_ids; char name[16];
} sys_bpf_prog_info_t;
typedef struct { __u32 type, id, prog_id; } sys_bpf_link_info_t;
typedef struct { __u32 link_fd; } sys_bpf_link_detach_attr_t;
typedef struct { __u32 prog_fd, map_fd, flags; } sys_bpf_prog_bind_map_attr_t;

// What objects say of themselves (include/ebpf_structs.h of efW).
typedef struct { __u32 id, type, key_size, value_size, max_entries; char name[64]; __u32 map_flags, inner_map_id, pinned_path_count; } bpf_map_info;
typedef struct { __u32 id, type, nr_map_ids; uintptr_t map_ids; char name[64]; guid_t type_uuid, attach_type_uuid; __u32 pinned_path_count, link_count; } bpf_prog_info;
typedef struct {
    __u32 id, prog_id, type, attach_type; guid_t attach_type_uuid, program_type_uuid;
    union { struct { __u32 ifindex; } xdp; struct { __u64 cgroup_id; } cgroup; uint8_t attach_data[1]; };
} bpf_link_info;
union bpf_attr {
    sys_bpf_map_create_attr_t create; sys_bpf_map_lookup_attr_t lookup; sys_bpf_map_delete_attr_t delete; sys_bpf_map_next_key_attr_t next_key;
    sys_bpf_map_next_id_attr_t next_id; sys_bpf_prog_load_attr_t load; sys_bpf_prog_run_attr_t run; sys_bpf_obj_pin_attr_t pin;
    sys_bpf_obj_info_attr_t info; sys_bpf_link_detach_attr_t detach; sys_bpf_prog_bind_map_attr_t bind; __u32 id;
};

#include "prototypes.h"

#define CPUS 4u
#define MAX_PARAMETERS 64u

struct element { struct element* next; struct object* object; uint8_t* key; uint8_t* value; };

struct map {
    __u32 type, key_size, value_size, stored, max_entries;
    struct object* inner;
    struct element* elements;
    uint8_t *consumer, *producer, *data; // a ring, its data twice in a row
    unsigned attached;                   // how often the ring is mapped
    ebpf_handle_t event;
};
struct program { __u32 type; guid_t type_guid, attach_guid; struct object** maps; __u32 map_count; int32_t result; };
struct link { struct object* program; guid_t attach_guid, program_guid; __u32 attach_type; uint8_t parameters[MAX_PARAMETERS]; size_t size; };

struct object {
    struct object* next;
    ebpf_object_type_t kind;
    __u32 id, references, pins;
    char name[64];
    union { struct map map; struct program program; struct link link; };
};

// objects.c
struct object* object_new(ebpf_object_type_t kind, const char* name);
void object_hold(struct object* object);
void object_release(struct object* object);
struct object* object_by_fd(fd_t fd, ebpf_object_type_t kind); // UNKNOWN for any kind
struct object* object_next(ebpf_object_type_t kind, __u32 after);
fd_t fd_open(struct object* object); // takes the reference given; -1 when there are too many
ebpf_result_t pin_object(struct object* object, const char* path);
struct object* pin_find(const char* path);
void stub_set_last_error(int code);

// maps.c
ebpf_result_t map_new(__u32 type, const char* name, __u32 key, __u32 value, __u32 entries, fd_t inner, struct object** made);
void map_free(struct map* map);
ebpf_result_t map_lookup(struct map* map, const void* key, void* value, bool take);
ebpf_result_t map_update(struct map* map, const void* key, const void* value, __u64 flags);
ebpf_result_t map_delete(struct map* map, const void* key);
ebpf_result_t map_next_key(struct map* map, const void* key, void* next);

// programs.c
int program_load(const sys_bpf_prog_load_attr_t* attr, struct object** made);
int program_run(sys_bpf_prog_run_attr_t* attr);
void program_free(struct program* program);
void link_detach(struct link* link);

// control.c: calls recorded, and made to fail. FAULT is 0 when the call is to go on.
int stub_enter(const char* name, const char* format, ...);
int errno_of(ebpf_result_t result);
#define ENTER(name, ...) int fault = stub_enter(#name, __VA_ARGS__); (void)fault
#define FAIL_RESULT if (fault) return (ebpf_result_t)fault
#define FAIL_ERRNO if (fault) return -fault
#define FAIL_NULL if (fault) return NULL
