/* Half an image: only maps (ONLY_MAPS), one the inner map of another, or only one program that
 * uses none and whose types are unknown to everybody.
 */
#include "layout.h"

#ifdef ONLY_MAPS
#define MAP(name_, ...) {HEADER(1, 80, 80) .def = {__VA_ARGS__}, .name = name_}
static struct map_entry map_table[] IN("maps") = {
    MAP("lone_outer_by_index", 7, 4, 4, 2, 2, 0, 1, 0),
    MAP("lone_outer_by_id", 6, 8, 4, 2, 0, 0, 2, 9),
    MAP("lone_inner", 1, 4, 8, 16, 0, 0, 9, 0),
    MAP("lone_perf", 14, 0, 0, 16384, 0, 0, 4, 0),
};
#else
static struct guid type = {0xdeadbeef, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
static struct guid attach_type; /* unspecified: all zero, and no bytes in the file */
__attribute__((section("lone"))) static u64 lone_program(void *context, void *runtime) { return 0; }
static struct program_entry program_table[] IN("programs") = {
    {HEADER(1, GEN == 150 ? 154 : 144, sizeof(struct program_entry)) .function = lone_program,
     .pe_section = "lone", .section = "lone", .name = "lone_program", .insn_count = 2,
     .type = &type, .attach = &attach_type},
};
#endif

static void get_programs(const struct program_entry **out, u64 *count)
{
#ifdef ONLY_MAPS
    *out = 0;
    *count = 0;
#else
    *out = program_table;
    *count = 1;
#endif
}

static void get_maps(const struct map_entry **out, u64 *count)
{
#ifdef ONLY_MAPS
    *out = map_table;
    *count = 4;
#else
    *out = 0;
    *count = 0;
#endif
}

static void get_nothing(const u8 **out, u64 *size)
{
    *out = 0;
    *size = 0;
}

static void get_version(struct version *version)
{
    version->major = MAJOR;
    version->minor = MINOR;
    version->revision = REVISION;
}

struct metadata metadata = {
#if GEN >= 6
    sizeof(struct metadata),
#endif
    get_programs, get_maps, get_nothing,
#if GEN >= 6
    get_version,
#endif
#if GEN >= 11
    (void *)get_nothing,
#endif
#if GEN >= 21
    (void *)get_nothing,
#endif
};

#include "shell.h"
