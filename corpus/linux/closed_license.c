// SPDX-License-Identifier: MIT
// A license that is not compatible with the GPL, and a helper that wants one that is.
#include "linux_bpf.h"

SEC("xdp")
int print(void *ctx)
{
	trace_printk("%d\n", 4, get_smp_processor_id());
	return 2;
}

LICENSE("Proprietary");
