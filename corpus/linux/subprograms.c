// SPDX-License-Identifier: MIT
// Subprograms in .text: static, global and weak, calling each other; several programs in one section
// that share them; one that no program calls.
#include "linux_bpf.h"

static NOINLINE int leaf(u64 *state)
{
	*state = *state * 31 + 7;
	return *state & 3;
}

static NOINLINE int middle(u64 *state, int rounds)
{
	return leaf(state) + leaf(state) * rounds;
}

NOINLINE WEAK int verdict(int seed)
{
	u64 state = seed;

	return middle(&state, seed & 7);
}

NOINLINE int unused(int seed)
{
	return seed + 1;
}

SEC("xdp")
int first(void *ctx)
{
	return verdict(1);
}

SEC("xdp")
int second(void *ctx)
{
	u64 state = 2;

	return leaf(&state);
}

SEC("tc")
int third(void *ctx)
{
	return verdict(3) + verdict(4);
}

LICENSE("GPL");
