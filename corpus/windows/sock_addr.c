// SPDX-License-Identifier: MIT
// The socket address hooks: "cgroup/connect*" and "cgroup/bind*" exist on Linux too, the others do not.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

typedef struct {
	uint32_t address;
	uint16_t port;
	uint16_t unused;
} destination_t;

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	TYPE_OF(key, destination_t);
	TYPE_OF(value, destination_t);
	NUMBER(max_entries, 100);
} redirects SEC(".maps");

static NOINLINE int redirect(bpf_sock_addr_t *ctx)
{
	destination_t from = {ctx->user_ip4, ctx->user_port, 0};
	destination_t *to = bpf_map_lookup_elem(&redirects, &from);

	if (!to)
		return BPF_SOCK_ADDR_VERDICT_REJECT;
	ctx->user_ip4 = to->address;
	ctx->user_port = to->port;
	return BPF_SOCK_ADDR_VERDICT_PROCEED_SOFT;
}

SEC("cgroup/connect4")
int connect4(bpf_sock_addr_t *ctx)
{
	destination_t original = {ctx->user_ip4, ctx->user_port, 0};

	bpf_sock_addr_set_redirect_context(ctx, &original, sizeof(original));
	return redirect(ctx);
}

SEC("cgroup/connect6")
int connect6(bpf_sock_addr_t *ctx)
{
	return ctx->user_ip6[0] ? redirect(ctx) : BPF_SOCK_ADDR_VERDICT_REJECT;
}

SEC("cgroup/recv_accept4")
int accept4(bpf_sock_addr_t *ctx)
{
	return ctx->compartment_id == 1;
}

SEC("cgroup/recv_accept6")
int accept6(bpf_sock_addr_t *ctx)
{
	return ctx->interface_luid != 0;
}

SEC("cgroup/connect_authorization4")
int authorize4(bpf_sock_addr_t *ctx)
{
	return bpf_is_current_admin(ctx) ? BPF_SOCK_ADDR_VERDICT_PROCEED_HARD : 0;
}

SEC("cgroup/bind6")
int bind6(bpf_sock_addr_t *ctx)
{
	return ctx->protocol == 17;
}

SEC("cgroup/listen4")
int listen4(bpf_sock_addr_t *ctx)
{
	return ctx->user_port != 0;
}
