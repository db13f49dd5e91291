// Programs from bytecode and from images, links, and what objects say of themselves.
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPES 64
#define ERROR_NOT_SUPPORTED 50

struct type { __u32 number; guid_t guid, program_guid; size_t smallest, largest; };

static struct type program_types[MAX_TYPES], attach_types[MAX_TYPES];
static int program_type_count, attach_type_count;
static bool native_only;

// -- what extensions the tests pretend are there ------------------------------------------------

STUB_API void stub_native_only(int yes) { native_only = yes; }

STUB_API void stub_add_program_type(__u32 number, const guid_t* guid) { program_types[program_type_count++] = (struct type){.number = number, .guid = *guid}; }

STUB_API void stub_add_attach_type(__u32 number, const guid_t* guid, const guid_t* program_guid, size_t smallest, size_t largest) {
    attach_types[attach_type_count++] = (struct type){number, *guid, *program_guid, smallest, largest};
}

STUB_API void stub_forget_types(void) { program_type_count = attach_type_count = 0; }

static bool same(const guid_t* a, const guid_t* b) { return !memcmp(a, b, sizeof *a); }

static const struct type* by_number(const struct type* types, int count, __u32 number) {
    for (int at = 0; at < count; at++)
        if (types[at].number == number) return &types[at];
    return NULL;
}

static const struct type* by_guid(const struct type* types, int count, const guid_t* guid) {
    for (int at = 0; at < count; at++)
        if (same(&types[at].guid, guid)) return &types[at];
    return NULL;
}

ebpf_result_t ebpf_get_ebpf_attach_type(bpf_attach_type_t bpf_attach_type, ebpf_attach_type_t* ebpf_attach_type) {
    ENTER(ebpf_get_ebpf_attach_type, "%d", (int)bpf_attach_type);
    FAIL_RESULT;
    const struct type* found = by_number(attach_types, attach_type_count, (__u32)bpf_attach_type);
    if (!found) return EBPF_OBJECT_NOT_FOUND;
    *ebpf_attach_type = found->guid;
    return EBPF_SUCCESS;
}

// -- bytecode -----------------------------------------------------------------------------------

static int refuse(const sys_bpf_prog_load_attr_t* attr, const char* why, unsigned at) {
    if (attr->log_buf) snprintf((char*)(uintptr_t)attr->log_buf, attr->log_size, "from 0 to %u:\n%u: %s\n", at, at, why);
    return -errno_of(EBPF_VERIFICATION_FAILED);
}

static int read_code(const sys_bpf_prog_load_attr_t* attr, struct program* program) {
    const struct bpf_insn* insns = (const void*)(uintptr_t)attr->insns;
    program->maps = calloc(attr->insn_cnt + 1, sizeof *program->maps);
    for (unsigned at = 0; at < attr->insn_cnt; at++) {
        if (insns[at].code == 0xb7 && !insns[at].registers) program->result = insns[at].imm;
        if (insns[at].code == 0x85 && insns[at].registers >> 4 == 1) {
            long to = (long)at + 1 + insns[at].imm;
            if (to < 0 || to >= (long)attr->insn_cnt) return refuse(attr, "call out of range", at);
        }
        if (insns[at].code != 0x18) continue;
        int source = insns[at].registers >> 4;
        struct object* map = source == 1 ? object_by_fd(insns[at].imm, EBPF_OBJECT_MAP) : NULL;
        if (source > 1) return refuse(attr, "invalid instruction", at);
        if (source == 1 && !map) return refuse(attr, "no such map", at);
        if (map) {
            object_hold(map);
            program->maps[program->map_count++] = map;
        }
        at++;
    }
    if (!attr->insn_cnt || insns[attr->insn_cnt - 1].code != 0x95) return refuse(attr, "fall through off the end", attr->insn_cnt);
    return 0;
}

int program_load(const sys_bpf_prog_load_attr_t* attr, struct object** made) {
    const uint8_t* tail = (const uint8_t*)attr + offsetof(sys_bpf_prog_load_attr_t, prog_ifindex);
    for (size_t at = 0; at < sizeof *attr - offsetof(sys_bpf_prog_load_attr_t, prog_ifindex); at++)
        if (tail[at]) return -errno_of(EBPF_INVALID_ARGUMENT);
    if (attr->prog_flags || attr->log_level > 1 || (attr->log_level && !attr->log_buf) || memchr(attr->prog_name, 0, 16) == NULL) return -errno_of(EBPF_INVALID_ARGUMENT);
    if (native_only) {
        stub_set_last_error(ERROR_NOT_SUPPORTED);
        return -errno_of(EBPF_INVALID_ARGUMENT);
    }
    const struct type* type = by_number(program_types, program_type_count, attr->prog_type);
    if (!type) return -errno_of(EBPF_INVALID_ARGUMENT);
    struct object* object = object_new(EBPF_OBJECT_PROGRAM, attr->prog_name);
    object->program.type = attr->prog_type;
    object->program.type_guid = type->guid;
    int code = read_code(attr, &object->program);
    if (code) {
        object_release(object);
        return code;
    }
    *made = object;
    return 0;
}

void program_free(struct program* program) {
    for (__u32 at = 0; at < program->map_count; at++) object_release(program->maps[at]);
    free(program->maps);
}

int program_run(sys_bpf_prog_run_attr_t* attr) {
    struct object* object = object_by_fd((fd_t)attr->prog_fd, EBPF_OBJECT_PROGRAM);
    if (!object) return -errno_of(EBPF_INVALID_FD);
    if (attr->_pad0 || (attr->ctx_size_in && !attr->ctx_out) || (!attr->ctx_size_in && !attr->data_size_in)) return -errno_of(EBPF_INVALID_ARGUMENT);
    if (attr->data_size_out < attr->data_size_in || attr->ctx_size_out < attr->ctx_size_in) return -errno_of(EBPF_INSUFFICIENT_BUFFER);
    memmove((void*)(uintptr_t)attr->data_out, (const void*)(uintptr_t)attr->data_in, attr->data_size_in);
    uint8_t* context = (void*)(uintptr_t)attr->ctx_out;
    memmove(context, (const void*)(uintptr_t)attr->ctx_in, attr->ctx_size_in);
    if (attr->ctx_size_in) context[0]++; // something a program may do
    attr->data_size_out = attr->data_size_in;
    attr->ctx_size_out = attr->ctx_size_in;
    attr->retval = (__u32)object->program.result;
    attr->duration = 10 * (attr->repeat ? attr->repeat : 1);
    return 0;
}

// -- images, as the tests describe them ---------------------------------------------------------

struct image_map { char name[80]; __u32 type, key, value, entries; int inner; };
struct image_program { char name[80]; guid_t type, attach; __u32 map_count; uint16_t maps[16]; };

static char image_path[512];
static struct image_map image_maps[64];
static struct image_program image_programs[64];
static size_t image_map_count, image_program_count;

STUB_API void stub_image(const char* path) {
    snprintf(image_path, sizeof image_path, "%s", path);
    image_map_count = image_program_count = 0;
}

STUB_API void stub_image_map(const char* name, __u32 type, __u32 key, __u32 value, __u32 entries, int inner) {
    struct image_map* it = &image_maps[image_map_count++];
    snprintf(it->name, sizeof it->name, "%s", name);
    it->type = type; it->key = key; it->value = value; it->entries = entries; it->inner = inner;
}

STUB_API void stub_image_program(const char* name, const guid_t* type, const guid_t* attach, __u32 map_count, const uint16_t* maps) {
    struct image_program* it = &image_programs[image_program_count++];
    snprintf(it->name, sizeof it->name, "%s", name);
    it->type = *type; it->attach = *attach; it->map_count = map_count;
    memcpy(it->maps, maps, map_count * sizeof *maps);
}

static ebpf_result_t make_maps(fd_t* fds, struct object** made) {
    for (size_t at = 0; at < image_map_count; at++) {
        const struct image_map* it = &image_maps[at];
        fd_t inner = it->inner < 0 ? 0 : fds[it->inner];
        ebpf_result_t result = map_new(it->type, it->name, it->key, it->value, it->entries, inner, &made[at]);
        if (result) return result;
        fds[at] = fd_open(made[at]);
    }
    return EBPF_SUCCESS;
}

static void make_program(const struct image_program* it, struct object** maps, fd_t* fd) {
    struct object* object = object_new(EBPF_OBJECT_PROGRAM, it->name);
    const struct type* type = by_guid(program_types, program_type_count, &it->type);
    struct program* program = &object->program;
    program->type = type ? type->number : 0;
    program->type_guid = it->type;
    program->attach_guid = it->attach;
    program->maps = calloc(it->map_count + 1, sizeof *program->maps);
    for (; program->map_count < it->map_count; program->map_count++) {
        program->maps[program->map_count] = maps[it->maps[program->map_count]];
        object_hold(program->maps[program->map_count]);
    }
    *fd = fd_open(object);
}

ebpf_result_t ebpf_object_load_native_by_fds(const char* file_name, size_t* count_of_maps, fd_t* map_fds, size_t* count_of_programs, fd_t* program_fds) {
    ENTER(ebpf_object_load_native_by_fds, "%s %u %u", file_name, (unsigned)*count_of_maps, (unsigned)*count_of_programs);
    FAIL_RESULT;
    size_t length = strlen(file_name);
    if (length < 4 || strcmp(file_name + length - 4, ".sys")) return EBPF_INVALID_ARGUMENT;
    if (strcmp(file_name, image_path)) return EBPF_FILE_NOT_FOUND;
    bool fits = image_map_count <= *count_of_maps && image_program_count <= *count_of_programs;
    *count_of_maps = image_map_count;
    *count_of_programs = image_program_count;
    if (!fits) return EBPF_NO_MEMORY;
    struct object* maps[64];
    ebpf_result_t result = make_maps(map_fds, maps);
    if (result) return result;
    for (size_t at = 0; at < image_program_count; at++) make_program(&image_programs[at], maps, &program_fds[at]);
    return EBPF_SUCCESS;
}

// -- links --------------------------------------------------------------------------------------

ebpf_result_t ebpf_program_attach_by_fds(fd_t program_fd, const ebpf_attach_type_t* attach_type, void* attach_parameters, size_t attach_parameters_size, fd_t* link) {
    ENTER(ebpf_program_attach_by_fds, "%d %02x%02x %u %s", program_fd, attach_type->bytes[0], attach_type->bytes[1], (unsigned)attach_parameters_size, attach_parameters ? "given" : "NULL");
    FAIL_RESULT;
    struct object* program = object_by_fd(program_fd, EBPF_OBJECT_PROGRAM);
    const struct type* type = by_guid(attach_types, attach_type_count, attach_type);
    if (!program) return EBPF_INVALID_FD;
    if (!type) return EBPF_EXTENSION_FAILED_TO_LOAD;
    if (!same(&type->program_guid, &program->program.type_guid)) return EBPF_INVALID_ARGUMENT;
    if (attach_parameters_size < type->smallest || attach_parameters_size > type->largest) return EBPF_INVALID_ARGUMENT;
    struct object* made = object_new(EBPF_OBJECT_LINK, "");
    object_hold(program);
    made->link.program = program;
    made->link.attach_guid = *attach_type;
    made->link.program_guid = program->program.type_guid;
    made->link.attach_type = type->number;
    made->link.size = attach_parameters_size;
    if (attach_parameters_size) memcpy(made->link.parameters, attach_parameters, attach_parameters_size);
    *link = fd_open(made);
    return EBPF_SUCCESS;
}

void link_detach(struct link* link) {
    object_release(link->program);
    link->program = NULL;
}

// -- information --------------------------------------------------------------------------------

static void fill_program(struct object* object, bpf_prog_info* out) {
    const struct program* program = &object->program;
    __u32 room = out->nr_map_ids;
    __u32* ids = (__u32*)out->map_ids;
    for (__u32 at = 0; at < room && at < program->map_count && ids; at++) ids[at] = program->maps[at]->id;
    *out = (bpf_prog_info){.id = object->id, .type = program->type, .nr_map_ids = program->map_count, .map_ids = (uintptr_t)ids,
        .type_uuid = program->type_guid, .attach_type_uuid = program->attach_guid, .pinned_path_count = object->pins};
    memcpy(out->name, object->name, sizeof out->name);
    for (struct object* it = object_next(EBPF_OBJECT_LINK, 0); it; it = object_next(EBPF_OBJECT_LINK, it->id)) out->link_count += it->link.program == object;
}

static void fill_map(struct object* object, bpf_map_info* out) {
    const struct map* map = &object->map;
    *out = (bpf_map_info){.id = object->id, .type = map->type, .key_size = map->key_size, .value_size = map->value_size, .max_entries = map->max_entries,
        .inner_map_id = map->inner ? map->inner->id : 0, .pinned_path_count = object->pins};
    memcpy(out->name, object->name, sizeof out->name);
}

static void fill_link(struct object* object, bpf_link_info* out) {
    const struct link* link = &object->link;
    memset(out, 0, sizeof *out);
    out->id = object->id;
    out->prog_id = link->program ? link->program->id : 0;
    out->type = 1;
    out->attach_type = link->attach_type;
    out->attach_type_uuid = link->attach_guid;
    out->program_type_uuid = link->program_guid;
    if (link->size <= sizeof out->cgroup) memcpy(out->attach_data, link->parameters, link->size);
}

ebpf_result_t ebpf_object_get_info_by_fd(fd_t bpf_fd, void* info, uint32_t* info_size, ebpf_object_type_t* type) {
    ENTER(ebpf_object_get_info_by_fd, "%d %s %u", bpf_fd, info ? "info" : "NULL", info_size ? *info_size : 0);
    FAIL_RESULT;
    static const size_t sizes[] = {0, sizeof(bpf_map_info), sizeof(bpf_link_info), sizeof(bpf_prog_info)};
    struct object* object = object_by_fd(bpf_fd, EBPF_OBJECT_UNKNOWN);
    if (!object) return EBPF_INVALID_FD;
    if (type) *type = object->kind;
    if (!info) return EBPF_SUCCESS;
    if (*info_size < sizes[object->kind]) return EBPF_INSUFFICIENT_BUFFER;
    *info_size = (uint32_t)sizes[object->kind];
    if (object->kind == EBPF_OBJECT_MAP) fill_map(object, info);
    else if (object->kind == EBPF_OBJECT_PROGRAM) fill_program(object, info);
    else fill_link(object, info);
    return EBPF_SUCCESS;
}

int bpf_map_get_fd_by_id(__u32 id) {
    ENTER(bpf_map_get_fd_by_id, "%u", id);
    FAIL_ERRNO;
    struct object* found = id ? object_next(EBPF_OBJECT_MAP, id - 1) : NULL;
    if (!found || found->id != id) return -2;
    object_hold(found);
    return fd_open(found);
}
