/* The data structures of a native image, one set per generation of eBPF for Windows.
 *
 * Written from the tables in scripts/snapshots/windows/native_sys.json: field order, widths and
 * sizes are facts of the file format, the names are ours. GEN picks the generation:
 *
 *    2 = 0.2     5 = 0.5     6 = 0.6     9 = 0.9    11 = 0.11
 *  212 = main-2025-02-21    21 = 0.21   150 = 1.5
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define VERSIONED (GEN == 21 || GEN == 150)
#define SNAPSHOT (GEN == 212)
#define IN(name) __attribute__((section(name), used))

struct guid { u32 a; u16 b, c; u8 d[8]; };

struct header { u16 version; u64 used, stride; };

struct map_def {
    u32 type, key_size, value_size, max_entries;
    u32 inner_index, pinning, id, inner_id;
};

#if VERSIONED
#define HEADER(v, used, stride) .header = {v, used, stride},
#define HEADER_FIELD struct header header;
#else
#define HEADER(v, used, stride)
#define HEADER_FIELD
#endif

struct map_entry {
#if VERSIONED
    u64 zeros[2];
    struct header header;
#else
    u64 address;
#endif
    struct map_def def;
    const char *name;
};

struct helper_entry {
#if VERSIONED
    struct header header;
#elif !SNAPSHOT
    void *address;
#endif
    u32 id;
    const char *name;
#if !VERSIONED && !SNAPSHOT
    u8 tail_call;
#endif
};

struct resolved_entry {
    struct header header;
    const char *name;
    struct guid module;
};

struct program_entry {
    u64 zero;
    HEADER_FIELD
    u64 (*function)(void *, void *);
    const char *pe_section, *section, *name;
    const u16 *maps;
    u16 map_count;
    const struct helper_entry *helpers;
    u16 helper_count;
    u64 insn_count;
    const struct guid *type, *attach;
#if GEN >= 5
    const u8 *info_hash;
    u64 info_hash_size;
#endif
#if GEN >= 9
    const char *info_hash_type;
#endif
#if GEN == 150
    const struct resolved_entry *resolved;
    u16 resolved_count;
#endif
};

struct initial_values {
    HEADER_FIELD
    const char *name;
    u64 count;
    const char *const *values;
};

struct global_section {
    HEADER_FIELD
    const char *name;
    u64 size;
    const void *data;
};

struct version { u32 major, minor, revision; };

struct metadata {
#if GEN >= 6
    u64 size;
#endif
    void (*programs)(const struct program_entry **, u64 *);
    void (*maps)(const struct map_entry **, u64 *);
    void (*hash)(const u8 **, u64 *);
#if GEN >= 6
    void (*version)(struct version *);
#endif
#if GEN >= 11
    void (*initial_values)(const struct initial_values **, u64 *);
#endif
#if GEN >= 21
    void (*global_sections)(const struct global_section **, u64 *);
#endif
};

_Static_assert(sizeof(struct map_entry) == (VERSIONED ? 80 : 48), "map entry");
_Static_assert(sizeof(struct helper_entry) == (VERSIONED ? 40 : SNAPSHOT ? 16 : 32), "helper entry");
_Static_assert(sizeof(struct program_entry) ==
    (GEN == 150 ? 160 : GEN == 21 ? 144 : GEN >= 9 ? 120 : GEN >= 5 ? 112 : 96), "program entry");
_Static_assert(sizeof(struct metadata) ==
    (GEN >= 21 ? 56 : GEN >= 11 ? 48 : GEN >= 6 ? 40 : 24), "metadata table");
_Static_assert(sizeof(struct initial_values) == (VERSIONED ? 48 : 24), "initial values");
_Static_assert(sizeof(struct global_section) == (VERSIONED ? 48 : 24), "global section");
_Static_assert(sizeof(struct resolved_entry) == 48, "resolved function");
