// SPDX-License-Identifier: MIT
// "sockops" is a section of both platforms; the context's type and a helper id above 65535 are not.
// The ring buffer has type 13, which on Linux is a hash of maps.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

typedef struct {
	uint64_t flow;
	uint32_t local, remote;
	uint32_t operation;
	uint32_t unused;
} connection_t;

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 256 * 1024);
} connections SEC(".maps");

SEC("sockops")
int monitor(bpf_sock_ops_t *ctx)
{
	connection_t connection = {0};

	connection.flow = bpf_sock_ops_get_flow_id(ctx);
	connection.local = ctx->local_ip4;
	connection.remote = ctx->remote_ip4;
	connection.operation = ctx->op;
	return bpf_ringbuf_output(&connections, &connection, sizeof(connection), 0);
}
