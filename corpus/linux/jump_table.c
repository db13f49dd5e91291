// SPDX-License-Identifier: MIT
// A switch that clang 22 turns into an indirect jump through a table in .jumptables.
#include "linux_bpf.h"

volatile u64 result;

SEC("socket")
int select(u32 *ctx)
{
	switch (ctx[0]) {
	case 0: result = 11; return 1;
	case 1: result = 7 * result; return 3;
	case 2: result = get_smp_processor_id(); return 5;
	case 3: result ^= ktime_get_ns(); return 7;
	case 4: result -= 100; return 11;
	case 5: result <<= 3; return 13;
	case 6: result >>= 5; return 17;
	case 7: result = ~result; return 19;
	case 8: result |= 256; return 23;
	default: return 0;
	}
}

LICENSE("GPL");
