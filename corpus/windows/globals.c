// SPDX-License-Identifier: MIT
// Global variables as native images take them: static, in .data, .rodata and .bss.
#include "efw/helpers.h"
#include "efw/hooks.h"

static volatile uint64_t allowed = 80;
static const volatile uint32_t threshold = 1000;
static volatile uint32_t seen;

SEC("bind")
int count(bind_md_t *ctx)
{
	if (++seen > threshold)
		return BIND_DENY;
	allowed += ctx->protocol;
	return bpf_ktime_get_boot_ns() > allowed ? BIND_PERMIT_SOFT : BIND_DENY;
}
