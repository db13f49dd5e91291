/* SPDX-License-Identifier: MIT */
/* Helpers by efW's ids: only 1, 2, 3 and 8 mean the same on Linux. */
#ifndef CORPUS_EFW_HELPERS_H
#define CORPUS_EFW_HELPERS_H

#include "efw/types.h"

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static int (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					uint64_t flags) = (void *)2;
static int (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static int (*const bpf_tail_call)(void *ctx, void *map, uint32_t index) = (void *)5;
static uint64_t (*const bpf_ktime_get_boot_ns)(void) = (void *)7;
static uint32_t (*const bpf_get_smp_processor_id)(void) = (void *)8;
static int (*const bpf_ringbuf_output)(void *map, void *data, uint64_t size,
				       uint64_t flags) = (void *)11;
static long (*const bpf_trace_printk2)(const char *format, uint32_t size) = (void *)12;
static int (*const bpf_map_push_elem)(void *map, const void *value, uint64_t flags) = (void *)16;
static uint64_t (*const bpf_get_current_pid_tgid)(void) = (void *)19;
static int (*const bpf_is_current_admin)(const void *ctx) = (void *)21;

/* The extensions' own start at 65536 and mean something else for every program type. */
static int (*const bpf_xdp_adjust_head)(void *ctx, int delta) = (void *)65536;
static long (*const bpf_sock_ops_get_flow_id)(void *ctx) = (void *)65536;
static int (*const bpf_process_get_image_path)(void *ctx, uint8_t *path,
					       uint32_t size) = (void *)65536;
static int (*const bpf_netevent_push_event)(void *ctx) = (void *)65536;
static int (*const bpf_sock_addr_set_redirect_context)(void *ctx, void *data,
						       uint32_t size) = (void *)65537;

#endif
