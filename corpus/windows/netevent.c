// SPDX-License-Identifier: MIT
// Network events: a section only Windows has, and a perf event array (type 14, on Linux 4).
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

struct {
	NUMBER(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	NUMBER(max_entries, 16384);
} events SEC(".maps");

SEC("netevent_monitor")
int on_event(netevent_event_md_t *ctx)
{
	uint32_t cpu = bpf_get_smp_processor_id();

	if (ctx->data_meta + 4 > ctx->data)
		return 0;
	if (bpf_map_lookup_elem(&events, &cpu))
		return 1;
	return bpf_netevent_push_event(ctx);
}
