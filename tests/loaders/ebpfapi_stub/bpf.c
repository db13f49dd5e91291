// bpf(): the commands efW has, with its rules for attributes longer and shorter than it knows.
#include "stub.h"

#include <string.h>

#define ERROR_CALL_NOT_IMPLEMENTED 120

static const void* from(__u64 address) { return (const void*)(uintptr_t)address; }
static void* into(__u64 address) { return (void*)(uintptr_t)address; }

static int done(ebpf_result_t result) { return -errno_of(result); }

static int opened(int code, struct object* made) {
    if (code) return code;
    fd_t fd = fd_open(made);
    return fd < 0 ? done(EBPF_NO_MEMORY) : fd;
}

static struct map* map_of(__u32 fd) {
    struct object* found = object_by_fd((fd_t)fd, EBPF_OBJECT_MAP);
    return found ? &found->map : NULL;
}

static int create(const sys_bpf_map_create_attr_t* attr) {
    if (attr->map_flags || attr->numa_node || attr->map_ifindex || !memchr(attr->map_name, 0, 16)) return -22;
    struct object* made = NULL;
    ebpf_result_t result = map_new(attr->map_type, attr->map_name, attr->key_size, attr->value_size, attr->max_entries, (fd_t)attr->inner_map_fd, &made);
    return opened(done(result), made);
}

static int next_id(ebpf_object_type_t kind, sys_bpf_map_next_id_attr_t* attr) {
    struct object* found = object_next(kind, attr->start_id);
    if (found) attr->next_id = found->id;
    return found ? 0 : -2;
}

static int by_id(ebpf_object_type_t kind, __u32 id) {
    struct object* found = id ? object_next(kind, id - 1) : NULL;
    if (!found || found->id != id) return -2;
    object_hold(found);
    return opened(0, found);
}

static int get(const sys_bpf_obj_pin_attr_t* attr) {
    if (attr->bpf_fd || attr->flags) return -22;
    struct object* found = pin_find(from(attr->pathname));
    if (!found) return -2;
    object_hold(found);
    return opened(0, found);
}

static int pin(const sys_bpf_obj_pin_attr_t* attr) {
    struct object* object = object_by_fd((fd_t)attr->bpf_fd, EBPF_OBJECT_UNKNOWN);
    if (attr->flags) return -22;
    return object ? done(pin_object(object, from(attr->pathname))) : -9;
}

static int detach(__u32 fd) {
    struct object* found = object_by_fd((fd_t)fd, EBPF_OBJECT_LINK);
    if (!found) return -9;
    link_detach(&found->link);
    return 0;
}

static int bind(const sys_bpf_prog_bind_map_attr_t* attr) {
    bool there = object_by_fd((fd_t)attr->prog_fd, EBPF_OBJECT_PROGRAM) && map_of(attr->map_fd);
    return there ? 0 : -9;
}

static int element(int cmd, union bpf_attr* attr) {
    struct map* map = map_of(attr->lookup.map_fd);
    if (!map) return -9;
    switch (cmd) {
    case 1: return attr->lookup.flags ? -22 : done(map_lookup(map, from(attr->lookup.key), into(attr->lookup.value), false));
    case 2: return done(map_update(map, from(attr->lookup.key), from(attr->lookup.value), attr->lookup.flags));
    case 3: return done(map_delete(map, from(attr->delete.key)));
    case 4: return done(map_next_key(map, from(attr->next_key.key), into(attr->next_key.next_key)));
    default: return attr->lookup.flags ? -22 : done(map_lookup(map, from(attr->lookup.key), into(attr->lookup.value), true));
    }
}

static size_t known_size(int cmd) {
    switch (cmd) {
    case 0: return sizeof(sys_bpf_map_create_attr_t);
    case 1: case 2: case 21: return sizeof(sys_bpf_map_lookup_attr_t);
    case 3: return sizeof(sys_bpf_map_delete_attr_t);
    case 4: return sizeof(sys_bpf_map_next_key_attr_t);
    case 5: return sizeof(sys_bpf_prog_load_attr_t);
    case 6: case 7: return sizeof(sys_bpf_obj_pin_attr_t);
    case 10: return sizeof(sys_bpf_prog_run_attr_t);
    case 11: case 12: case 31: return sizeof(sys_bpf_map_next_id_attr_t);
    case 13: case 14: case 30: return sizeof(__u32);
    case 34: return sizeof(sys_bpf_link_detach_attr_t);
    case 35: return sizeof(sys_bpf_prog_bind_map_attr_t);
    default: return 0;
    }
}

static int run(int cmd, union bpf_attr* attr) {
    struct object* made = NULL;
    switch (cmd) {
    case 0: return create(&attr->create);
    case 1: case 2: case 3: case 4: case 21: return element(cmd, attr);
    case 5: {
        int code = program_load(&attr->load, &made);
        return opened(code, made);
    }
    case 6: return pin(&attr->pin);
    case 7: return get(&attr->pin);
    case 10: return program_run(&attr->run);
    case 11: return next_id(EBPF_OBJECT_PROGRAM, &attr->next_id);
    case 12: return next_id(EBPF_OBJECT_MAP, &attr->next_id);
    case 13: return by_id(EBPF_OBJECT_PROGRAM, attr->id);
    case 14: return by_id(EBPF_OBJECT_MAP, attr->id);
    case 30: return by_id(EBPF_OBJECT_LINK, attr->id);
    case 31: return next_id(EBPF_OBJECT_LINK, &attr->next_id);
    case 34: return detach(attr->detach.link_fd);
    default: return bind(&attr->bind);
    }
}

int bpf(int cmd, union bpf_attr* attr, unsigned int size) {
    ENTER(bpf, "%d %u", cmd, size);
    FAIL_ERRNO;
    size_t known = known_size(cmd);
    if (!known) {
        stub_set_last_error(ERROR_CALL_NOT_IMPLEMENTED);
        return -22;
    }
    union bpf_attr whole = {0};
    size_t shared = size < known ? size : known;
    for (size_t at = known; at < size; at++)
        if (((const char*)attr)[at]) return -22;
    memcpy(&whole, attr, shared);
    int code = run(cmd, &whole);
    memcpy(attr, &whole, shared);
    return code;
}
