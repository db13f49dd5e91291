w1 = load_acquire((u8 *)(r2 + 0))
w1 = load_acquire((u16 *)(r2 - 8))
w1 = load_acquire((u32 *)(r2 + 4))
r1 = load_acquire((u64 *)(r2 + 8))
store_release((u8 *)(r2 + 0), w1)
store_release((u16 *)(r2 + 0), w1)
store_release((u32 *)(r2 + 0), w1)
store_release((u64 *)(r2 - 8), r1)
gotox r3
