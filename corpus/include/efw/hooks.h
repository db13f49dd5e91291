/* SPDX-License-Identifier: MIT */
/* Contexts and return values of efW's program types, by the layouts its extensions use. */
#ifndef CORPUS_EFW_HOOKS_H
#define CORPUS_EFW_HOOKS_H

#include "efw/types.h"

/* Section "bind". */
typedef enum _bind_operation {
	BIND_OPERATION_BIND,
	BIND_OPERATION_POST_BIND,
	BIND_OPERATION_UNBIND,
} bind_operation_t;

typedef struct _bind_md {
	uint8_t *app_id_start;
	uint8_t *app_id_end;
	uint64_t process_id;
	uint8_t socket_address[16];
	uint8_t socket_address_length;
	bind_operation_t operation;
	uint8_t protocol;
} bind_md_t;

enum { BIND_PERMIT_SOFT = 0, BIND_DENY = 1, BIND_REDIRECT = 2, BIND_PERMIT_HARD = 3 };

/* Sections "cgroup/{connect,recv_accept,connect_authorization,bind,listen}{4,6}". */
typedef struct bpf_sock_addr {
	uint32_t family;
	union {
		uint32_t msg_src_ip4;
		uint32_t msg_src_ip6[4];
	};
	uint16_t msg_src_port;
	union {
		uint32_t user_ip4;
		uint32_t user_ip6[4];
	};
	uint16_t user_port;
	uint32_t protocol;
	uint32_t compartment_id;
	uint64_t interface_luid;
} bpf_sock_addr_t;

enum {
	BPF_SOCK_ADDR_VERDICT_REJECT = 0,
	BPF_SOCK_ADDR_VERDICT_PROCEED_SOFT = 1,
	BPF_SOCK_ADDR_VERDICT_PROCEED_HARD = 2,
};

/* Section "sockops". */
typedef struct _bpf_sock_ops {
	uint32_t op;
	uint32_t family;
	union {
		uint32_t local_ip4;
		uint32_t local_ip6[4];
	};
	uint32_t local_port;
	union {
		uint32_t remote_ip4;
		uint32_t remote_ip6[4];
	};
	uint32_t remote_port;
	uint8_t protocol;
	uint32_t compartment_id;
	uint64_t interface_luid;
} bpf_sock_ops_t;

/* Section "xdp": pass and drop are swapped against Linux, the pointers are 8 bytes wide. */
typedef struct xdp_md_ {
	void *data;
	void *data_end;
	uint64_t data_meta;
	uint32_t ingress_ifindex;
} xdp_md_t;

enum { XDP_PASS = 1, XDP_DROP = 2, XDP_TX = 3 };

/* Section "process". */
typedef struct _process_md {
	uint8_t *command_start;
	uint8_t *command_end;
	uint64_t process_id;
	uint64_t parent_process_id;
	uint64_t creating_process_id;
	uint64_t creating_thread_id;
	uint64_t creation_time;
	uint64_t exit_time;
	uint32_t process_exit_code;
	uint8_t operation;
	uint32_t token_sid_size;
	uint8_t token_sid[68];
} process_md_t;

/* Section "netevent_monitor". */
typedef struct _netevent_event_md {
	uint8_t *data_meta;
	uint8_t *data;
	uint8_t *data_end;
} netevent_event_md_t;

#define LAYOUT(type, size) _Static_assert(sizeof(type) == size, #type)
LAYOUT(bind_md_t, 56);
LAYOUT(bpf_sock_addr_t, 64);
LAYOUT(bpf_sock_ops_t, 64);
LAYOUT(xdp_md_t, 32);
LAYOUT(process_md_t, 144);
LAYOUT(netevent_event_md_t, 24);
#undef LAYOUT

#endif
