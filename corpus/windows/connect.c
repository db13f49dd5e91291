// SPDX-License-Identifier: MIT
// Only a section name that Linux has too, no map: what tells is the context's BTF, else nothing does.
#include "efw/hooks.h"

SEC("cgroup/connect4")
int only_https(bpf_sock_addr_t *ctx)
{
	return ctx->user_port == 0xbb01;
}
