// SPDX-License-Identifier: MIT
// One source for every version of the instruction set: what it compiles to is told by -mcpu.
#include "linux_bpf.h"

#define VERSION __BPF_CPU_VERSION__

volatile u64 word;
volatile u32 half;
s64 counter;
s32 small;
volatile s8 signed_byte = -3;
volatile s16 signed_half = -300;
volatile s32 signed_word = -70000;

static NOINLINE u32 loops(u32 rounds)
{
	u32 sum = 0;

	for (u32 i = 0; i < (rounds & 63); i++)
		if ((s32)(i * half) > (s32)sum)
			sum += i ^ (sum << 3);
		else
			sum = sum / 3 + i % 7;
	return sum;
}

static NOINLINE s64 extend(void)
{
	s64 sum = signed_byte;

	sum += signed_half;
	sum += signed_word;
	return sum + (s8)word + (s16)half + (s32)(word >> 7);
}

static NOINLINE u64 swap(u64 value)
{
	return __builtin_bswap64(value) + __builtin_bswap32(half) +
	       __builtin_bswap16((u16)value) + __builtin_bswap32((u32)value);
}

static NOINLINE u64 atomics(void)
{
	u64 sum = 0;

	__sync_fetch_and_add(&counter, 1);
#if VERSION >= 3
	__sync_fetch_and_add(&small, 2);
	sum += __sync_fetch_and_add(&counter, 3);
	__sync_fetch_and_and(&counter, 0xff);
	sum += __sync_fetch_and_or(&counter, 0x10);
	__sync_fetch_and_xor(&small, 0x20);
	sum += __sync_lock_test_and_set(&counter, 5);
	sum += __sync_val_compare_and_swap(&counter, 5, 6);
	sum += __sync_val_compare_and_swap(&small, 7, 8);
#endif
#if VERSION >= 4 && __clang_major__ >= 20
	sum += __atomic_load_n(&counter, __ATOMIC_ACQUIRE);
	__atomic_store_n(&small, 9, __ATOMIC_RELEASE);
#endif
	return sum;
}

#if VERSION >= 4
static NOINLINE s64 divide(s64 value)
{
	return value / signed_word + (s32)value % signed_half;
}
#endif

SEC("socket")
int run(void *ctx)
{
	u64 result = loops(half) + extend() + swap(word) + atomics();

#if VERSION >= 4
	result += divide(result);
	/* may_goto: leave the loop when the kernel's budget is used up */
	for (u32 i = 0; i < 1000000; i++) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		result += half;
	}
out:
#endif
	word = result;
	return result != 0;
}

LICENSE("GPL");
