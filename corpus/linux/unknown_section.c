// SPDX-License-Identifier: MIT
// Section names no loader table has, one that older libbpf took for "xdp", and one spelled wrongly.
#include "linux_bpf.h"

#define PROGRAM(section, name)  \
	SEC(section)            \
	int name(void *ctx)     \
	{                       \
		return 0;       \
	}

PROGRAM("my_hook/start", custom)
PROGRAM("xdp_drop_all", sloppy)
PROGRAM("tracepiont/sched/sched_switch", misspelt)
PROGRAM("xdp", good)

LICENSE("GPL");
