/* A connection gate: two programs, a policy map, a ring buffer, and from 0.11 on a table of
 * programs to chain to. The programs' machine code is of no interest and does nothing.
 */
#include "layout.h"

#ifdef STRINGS_IN_TABLES /* what an unpooled debug build of a DLL does with literals */
#define MAP_TEXT(id, text) static char id[] IN("maps") = text;
#define PROGRAM_TEXT(id, text) static char id[] IN("programs") = text;
#else
#define MAP_TEXT(id, text) static const char id[] = text;
#define PROGRAM_TEXT(id, text) static const char id[] = text;
#endif

MAP_TEXT(n_policy, "gate_policy")
MAP_TEXT(n_events, "gate_events")
MAP_TEXT(n_chain, "gate_chain")
#if GEN == 21 || GEN == 150
MAP_TEXT(n_globals, "gate.rodata")
#endif

#define MAP(name_, ...) {HEADER(1, 80, 80) .def = {__VA_ARGS__}, .name = name_}

static struct map_entry map_table[] IN("maps") = {
    MAP(n_policy, 1, 16, 4, 1024, 0, 1, 3, 0),
    MAP(n_events, 13, 0, 0, 65536, 0, 0, 7, 0),
    MAP(n_chain, 3, 4, 4, 8, 0, 0, 11, 0),
#if GEN == 21 || GEN == 150
    MAP(n_globals, 2, 4, 24, 1, 0, 0, 0, 0),
#endif
};

#ifdef __clang__
#define CONNECT_CODE "cgroup~1"
#else
#define CONNECT_CODE "\"cgroup~1\"" /* GNU as wants the tilde quoted */
#endif

#define HELPER(n) {HEADER(1, 40, 40) .id = n, .name = "helper_id_" #n}

static struct helper_entry connect_helpers[] = {HELPER(1), HELPER(11), HELPER(65537)};
static struct helper_entry bind_helpers[] = {HELPER(5), HELPER(2), {HEADER(1, 40, 40) .id = 0, .name = ""}};

static struct guid connect_type = {0x92ec8e39, 0xaeec, 0x11ec, {0x9a, 0x30, 0x18, 0x60, 0x24, 0x89, 0xbe, 0xee}};
static struct guid connect_attach = {0xa82e37b1, 0xaee7, 0x11ec, {0x9a, 0x30, 0x18, 0x60, 0x24, 0x89, 0xbe, 0xee}};
static struct guid bind_type = {0x608c517c, 0x6c52, 0x4a26, {0xb6, 0x77, 0xbb, 0x1c, 0x34, 0x42, 0x5a, 0xdf}};
static struct guid bind_attach = {0xb9707e04, 0x8127, 0x4c72, {0x83, 0x3e, 0x05, 0xb1, 0xfb, 0x43, 0x94, 0x96}};

static u16 connect_maps[] = {0, 1};
static u16 bind_maps[] = {0}; /* all zero: a linker keeps no bytes of it in the file */
static u16 chain_maps[] = {2};

static const u8 connect_hash[32] = {0x11, 0x22, 0x33, 0x44};
static const u8 bind_hash[32] = {0xaa, 0xbb, 0xcc, 0xdd};

__attribute__((section(CONNECT_CODE))) static u64 gate_connect4(void *context, void *runtime) { return 1; }
__attribute__((section("bind"))) static u64 gate_bind(void *context, void *runtime) { return 0; }
__attribute__((section("bind"))) static u64 gate_chained(void *context, void *runtime) { return 0; }

#if GEN == 150
static struct resolved_entry connect_resolved[] = {
    {{1, 48, 48}, "gate_extension_lookup",
     {0x01234567, 0x89ab, 0xcdef, {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}}},
};
#endif

PROGRAM_TEXT(p_connect, "cgroup~1")
PROGRAM_TEXT(s_connect, "cgroup/connect4")
PROGRAM_TEXT(n_connect, "gate_connect4")
PROGRAM_TEXT(p_bind, "bind")
PROGRAM_TEXT(n_bind, "gate_bind")
PROGRAM_TEXT(n_chained, "gate_chained")
#if GEN >= 9
PROGRAM_TEXT(n_hash, "SHA256")
#define HASH_TYPE .info_hash_type = n_hash,
#else
#define HASH_TYPE
#endif
#if GEN >= 5
#define HASH(bytes) .info_hash = bytes, .info_hash_size = 32, HASH_TYPE
#else
#define HASH(bytes)
#endif

#define PROGRAM_HEADER HEADER(1, GEN == 150 ? 154 : 144, sizeof(struct program_entry))

static struct program_entry program_table[] IN("programs") = {
    {PROGRAM_HEADER .function = gate_bind, .pe_section = p_bind, .section = p_bind, .name = n_bind,
     .maps = bind_maps, .map_count = 1, .helpers = bind_helpers, .helper_count = 3,
     .insn_count = 27, .type = &bind_type, .attach = &bind_attach, HASH(bind_hash)},
    {PROGRAM_HEADER .function = gate_chained, .pe_section = p_bind, .section = p_bind,
     .name = n_chained, .maps = chain_maps, .map_count = 1, .insn_count = 2,
     .type = &bind_type, .attach = &bind_attach, HASH(bind_hash)},
    {PROGRAM_HEADER .function = gate_connect4, .pe_section = p_connect, .section = s_connect,
     .name = n_connect, .maps = connect_maps, .map_count = 2, .helpers = connect_helpers,
     .helper_count = 3, .insn_count = 41, .type = &connect_type, .attach = &connect_attach,
     HASH(connect_hash)
#if GEN == 150
     .resolved = connect_resolved, .resolved_count = 1,
#endif
    },
};

static void get_programs(const struct program_entry **out, u64 *count)
{
    *out = program_table;
    *count = sizeof(program_table) / sizeof(program_table[0]);
}

static void get_maps(const struct map_entry **out, u64 *count)
{
    *out = map_table;
    *count = sizeof(map_table) / sizeof(map_table[0]);
}

#ifdef WITH_ELF_HASH
static const u8 elf_hash[32] IN("hash") = {0xe1, 0xf0, 0x01, 0x02, 0x03};
#endif

static void get_hash(const u8 **out, u64 *size)
{
#ifdef WITH_ELF_HASH
    *out = elf_hash;
    *size = sizeof(elf_hash);
#else
    *out = 0;
    *size = 0;
#endif
}

#if GEN >= 6
static void get_version(struct version *version)
{
    version->major = MAJOR;
    version->minor = MINOR;
    version->revision = REVISION;
}
#endif

#if GEN >= 11
static const char *chain_names[] IN("map_initial_values") = {0, "gate_chained", 0, "gate_bind"};
static struct initial_values initial[] IN("map_initial_values") = {
    {HEADER(1, 48, 48) .name = n_chain, .count = 4, .values = chain_names},
};

static void get_initial_values(const struct initial_values **out, u64 *count)
{
    *out = initial;
    *count = 1;
}
#endif

#if VERSIONED
static const u8 rodata[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static struct global_section globals[] IN("global_variables") = {
    {HEADER(1, 48, 48) .name = n_globals, .size = sizeof(rodata), .data = rodata},
};

static void get_globals(const struct global_section **out, u64 *count)
{
    *out = globals;
    *count = 1;
}
#elif GEN >= 21
static void get_globals(const struct global_section **out, u64 *count)
{
    *out = 0;
    *count = 0;
}
#endif

struct metadata metadata = {
#if GEN >= 6
    sizeof(struct metadata),
#endif
    get_programs, get_maps, get_hash,
#if GEN >= 6
    get_version,
#endif
#if GEN >= 11
    get_initial_values,
#endif
#if GEN >= 21
    get_globals,
#endif
};

#include "shell.h"
