// SPDX-License-Identifier: MIT
// CO-RE relocations of every kind, against structures declared here with only what is used.
#include "linux_bpf.h"

enum { BYTE_OFFSET, BYTE_SIZE, EXISTS, SIGNEDNESS, LSHIFT_U64, RSHIFT_U64 };
#define FIELD(access, what) __builtin_preserve_field_info(access, what)
#define TYPE_EXISTS(type) __builtin_preserve_type_info(*(type *)0, 0)
#define TYPE_SIZE(type) __builtin_preserve_type_info(*(type *)0, 1)
#define TYPE_MATCHES(type) __builtin_preserve_type_info(*(type *)0, 2)
#define TYPE_ID_LOCAL(type) __builtin_btf_type_id(*(type *)0, 0)
#define TYPE_ID_TARGET(type) __builtin_btf_type_id(*(type *)0, 1)
#define ENUM_EXISTS(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
#define ENUM_VALUE(type, value) __builtin_preserve_enum_value(*(type *)value, 1)

struct net {
	struct {
		u32 inum;
	} ns;
} CORE;

struct sock___with_flavor {
	u16 family;
	struct net *net;
	s32 marks[4];
	u32 plain : 4, shared : 9, last : 1;
	union {
		u32 number;
		u8 text[16];
	};
} CORE;

struct gone_in_some_kernels {
	u64 state;
} CORE;

enum connection { CONNECTION_OPEN = 3, CONNECTION_NEW = 12 };
typedef struct sock___with_flavor sock_alias;

u64 answers[16];

SEC("kprobe/tcp_connect")
int collect(u64 *registers)
{
	struct sock___with_flavor *sk = (void *)registers[14];
	u32 inum = 0;

	answers[0] = FIELD(sk->marks[2], BYTE_OFFSET);
	answers[1] = FIELD(sk->family, BYTE_SIZE);
	answers[2] = FIELD(sk->net->ns.inum, EXISTS);
	answers[3] = FIELD(sk->marks[0], SIGNEDNESS);
	answers[4] = FIELD(sk->shared, BYTE_OFFSET);
	answers[5] = FIELD(sk->shared, LSHIFT_U64);
	answers[6] = FIELD(sk->shared, RSHIFT_U64);
	answers[7] = TYPE_EXISTS(struct gone_in_some_kernels);
	answers[8] = TYPE_SIZE(sock_alias);
	answers[9] = TYPE_ID_LOCAL(struct net);
	answers[10] = TYPE_ID_TARGET(struct net);
	answers[11] = ENUM_EXISTS(enum connection, CONNECTION_NEW);
	answers[12] = ENUM_VALUE(enum connection, CONNECTION_OPEN);
	answers[13] = FIELD(sk->text[5], BYTE_OFFSET);
#if __clang_major__ >= 15
	answers[14] = TYPE_MATCHES(struct net);
#endif
	probe_read_kernel(&inum, sizeof(inum), &sk->net->ns.inum);
	answers[15] = inum;
	return 0;
}

SEC("fentry/tcp_close")
int direct(u64 *ctx)
{
	struct sock___with_flavor *sk = (void *)ctx[0];

	return sk->net->ns.inum + sk->marks[1] + sk->plain;
}

LICENSE("GPL");
