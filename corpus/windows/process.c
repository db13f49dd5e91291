// SPDX-License-Identifier: MIT
// Process creation and exit: a section, a context and helpers that only Windows has.
#include "efw/helpers.h"
#include "efw/hooks.h"
#include "efw/maps.h"

typedef struct {
	uint8_t path[64];
} image_t;

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	TYPE_OF(key, uint64_t);
	TYPE_OF(value, image_t);
	NUMBER(max_entries, 1024);
} images SEC(".maps");

SEC("process")
int on_process(process_md_t *ctx)
{
	uint64_t process = ctx->process_id;
	image_t image = {0};

	if (ctx->operation)
		return bpf_map_delete_elem(&images, &process);
	bpf_process_get_image_path(ctx, image.path, sizeof(image.path));
	bpf_map_update_elem(&images, &process, &image, 0);
	return 0;
}
