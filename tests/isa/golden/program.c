// What compilers make of ordinary code: packet parsing, loops, signed arithmetic, subprograms.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct packet {
	u32 data, data_end;
	u32 mark;
	signed char tos;
	short delta;
	int level;
	u64 stamp;
};

static void *(*lookup)(void *map, const void *key) = (void *)1;
static u64 (*now)(void) = (void *)5;

u64 counters[16];
int table[64];

static __attribute__((noinline)) int weigh(const struct packet *p, int by)
{
	int weight = p->level / (by | 1) + p->tos * p->delta % 7;

	return weight < 0 ? -weight : weight;
}

__attribute__((section("classifier"))) int classify(struct packet *p)
{
	const u8 *at = (const u8 *)(u64)p->data;
	const u8 *end = (const u8 *)(u64)p->data_end;
	u32 key = 0;
	int sum = 0;

	if (at + 34 > end)
		return -1;
	if (*(const u16 *)(at + 12) != __builtin_bswap16(0x0800))
		return 0;
	key = __builtin_bswap32(*(const u32 *)(at + 26)) ^ p->mark;
	for (u32 i = 0; i < 20; i += 2)
		sum += *(const u16 *)(at + 14 + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	__sync_fetch_and_add(&counters[key & 15], (u64)sum);
	if (__sync_val_compare_and_swap(&p->mark, key, key + 1) == key)
		table[key & 63] = weigh(p, sum);
	p->stamp = now() / 1000000007ull + 0x123456789abcdefull;
	return lookup(&counters, &key) ? (int)p->stamp : (short)sum;
}
