r1 = 5
w1 = 5
r1 = -1
w1 = w2
r1 = r2
r1 += r2
r1 += -7
w1 += w2
w1 += 100
r1 -= 3
r1 *= r4
r1 /= 3
r1 s/= 3
w1 s/= w4
r1 s%= r2
w1 %= 3
r1 |= 1
r1 &= -16
r1 ^= r2
r1 <<= 32
r1 >>= r2
r1 s>>= 3
w1 s>>= w2
r1 = -r1
w1 = -w1
r1 = (s8)r2
r1 = (s16)r2
r1 = (s32)r2
w1 = (s8)w2
w1 = (s16)w2
r1 = le16 r1
r1 = be32 r1
r1 = be64 r1
r1 = bswap16 r1
r1 = bswap32 r1
r1 = bswap64 r1
r1 = addr_space_cast(r2, 0, 1)
r1 = addr_space_cast(r2, 1, 0)
r1 = *(u8 *)(r2 + 0)
r1 = *(u16 *)(r2 - 8)
r1 = *(u32 *)(r2 + 16)
r1 = *(u64 *)(r2 + 8)
w1 = *(u32 *)(r2 + 8)
r1 = *(s8 *)(r2 + 0)
r1 = *(s16 *)(r2 - 8)
r1 = *(s32 *)(r2 + 16)
*(u8 *)(r1 + 0) = r2
*(u64 *)(r10 - 8) = r2
*(u32 *)(r10 - 8) = w2
*(u8 *)(r10 - 8) = 7
*(u64 *)(r10 - 8) = -7
lock *(u64 *)(r1 + 0) += r2
lock *(u32 *)(r1 + 4) += w2
lock *(u64 *)(r1 + 0) |= r2
lock *(u64 *)(r1 + 0) &= r2
lock *(u32 *)(r1 + 0) ^= w2
r0 = atomic_fetch_add((u64 *)(r1 + 0), r0)
w0 = atomic_fetch_or((u32 *)(r1 + 0), w0)
r2 = atomic_fetch_and((u64 *)(r1 - 8), r2)
r2 = atomic_fetch_xor((u64 *)(r1 - 8), r2)
r2 = xchg_64(r1 + 0, r2)
w2 = xchg32_32(r1 + 0, w2)
r0 = cmpxchg_64(r1 + 0, r0, r2)
w0 = cmpxchg32_32(r1 + 0, w0, w2)
goto +3
gotol +5
gotol -5
may_goto +2
if r1 == 5 goto +3
if r1 s> 5 goto +3
if r1 s< r2 goto -3
if w1 > 5 goto +3
if w1 != w2 goto +3
if r1 & 5 goto +3
if w1 & w5 goto +3
if r1 <= r2 goto +1
if r1 s>= -2 goto +1
call 12
call -1
call foo
callx r3
r1 = 1311768467463790320 ll
r1 = foo ll
r0 = *(u8 *)skb[14]
r0 = *(u16 *)skb[r3]
r0 = *(u32 *)skb[20]
exit
foo:
exit
r10 = r10
*(u64 *)(r10 - 32768) = r0
r0 = *(u64 *)(r10 + 32767)
r9 = 2147483647
r9 = -2147483648
w9 = -2147483648
r3 = -1 ll
r3 = -9223372036854775808 ll
r3 = 9223372036854775807 ll
r3 = 4294967295 ll
if r1 >= 7 goto +0
if w1 s< w2 goto -32768
if w1 s<= 1 goto +32767
if r1 < -1 goto +1
if w3 <= -1 goto +1
if w3 s>= w4 goto +1
r4 = le32 r4
r4 = le64 r4
r4 = be16 r4
r1 = xchg_64(r1 - 8, r1)
w1 = atomic_fetch_add((u32 *)(r2 - 4), w1)
w1 = atomic_fetch_and((u32 *)(r2 + 4), w1)
w1 = atomic_fetch_xor((u32 *)(r2 + 4), w1)
r1 = atomic_fetch_or((u64 *)(r2 + 8), r1)
lock *(u32 *)(r1 + 0) |= w2
lock *(u32 *)(r1 + 0) &= w2
lock *(u64 *)(r1 + 0) ^= r2
r0 = *(u8 *)skb[r7]
r0 = *(u32 *)skb[r7]
r0 = *(u16 *)skb[12]
r0 = *(u32 *)skb[-4096]
gotol +32767
gotol -32768
may_goto -1
may_goto +0
exit
