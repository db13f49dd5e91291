// What suppression in the C source looks like. Compiled with
//   clang-14 -target bpf -O2 -g -ffile-prefix-map=$PWD=. -c tagged.bpf.c -o tagged.bpf.o
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define IGNORE(rules) __attribute__((btf_decl_tag("ebpf-static:ignore=" rules)))

struct {
	__uint(type, 9999);
	__type(key, int);
	__type(value, long);
	__uint(max_entries, 4);
} events SEC(".maps") IGNORE("MAP101 a map type of our own kernel");

struct {
	__uint(type, 9998);
	__type(key, int);
	__type(value, long);
	__uint(max_entries, 4);
} other SEC(".maps");

static long (*own_helper)(void) = (void *)9000;

IGNORE("HLP,helper-unknown runs on our own kernel only")
SEC("xdp")
int tagged(void *ctx)
{
	own_helper();
	return 2;
}

SEC("xdp")
int untagged(void *ctx)
{
	own_helper();
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
