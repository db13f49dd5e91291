// SPDX-License-Identifier: MIT
// A program array whose slots are filled at load time from the definition's initial values.
#include "linux_bpf.h"

int parse(void *ctx);
int drop(void *ctx);

struct {
	NUMBER(type, MAP_PROG_ARRAY);
	NUMBER(max_entries, 3);
	NUMBER(key_size, sizeof(u32));
	VALUES(values, int(void *));
} stages SEC(".maps") = {
	.values = {[0] = (void *)&parse, [2] = (void *)&drop},
};

SEC("xdp")
int parse(void *ctx)
{
	tail_call(ctx, &stages, 2);
	return 2;
}

SEC("xdp")
int drop(void *ctx)
{
	return 1;
}

SEC("xdp")
int entry(void *ctx)
{
	tail_call(ctx, &stages, 0);
	return 0;
}

LICENSE("MIT");
