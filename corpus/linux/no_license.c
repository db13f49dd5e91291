// SPDX-License-Identifier: MIT
// No license section, yet a helper that only GPL-compatible programs may call.
#include "linux_bpf.h"

SEC("kprobe/do_nanosleep")
int stamp(void *ctx)
{
	u64 copy = 0;

	probe_read_kernel(&copy, sizeof(copy), ctx);
	return copy != 0;
}
