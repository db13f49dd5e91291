// SPDX-License-Identifier: MIT
// A function of another driver: an extern in .ksyms whose declaration tag names the module by GUID.
#include "efw/types.h"

#define MODULE(guid) __attribute__((btf_decl_tag("module_id:{" guid "}")))

extern int sample_ebpf_extension_btf_lookup(uint64_t key, void *value, uint32_t size)
	MODULE("8f6c1f83-ce4c-4b58-8b91-654a29e23b7c") __attribute__((section(".ksyms")));

typedef struct {
	uint8_t *data_start;
	uint8_t *data_end;
	uint32_t uint32_data;
	uint16_t uint16_data;
	uint32_t helper_data_1;
	uint32_t helper_data_2;
} sample_program_context_t;

SEC("sample_ext")
int look_up(sample_program_context_t *ctx)
{
	uint64_t value = 0;

	return sample_ebpf_extension_btf_lookup(ctx->uint32_data, &value, sizeof(value));
}
