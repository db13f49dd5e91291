// Objects with reference counts, descriptors that hold them, and pins that hold them by name.
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FDS 4096
#define MAX_PIN 256

struct pin { struct pin* next; char path[MAX_PIN]; struct object* object; };

static struct object* fds[MAX_FDS];
static struct object* objects;
static struct pin* pins; // in order of their paths
static __u32 last_id;

struct object* object_new(ebpf_object_type_t kind, const char* name) {
    struct object* made = calloc(1, sizeof *made);
    made->kind = kind;
    made->id = ++last_id;
    made->references = 1;
    snprintf(made->name, sizeof made->name, "%s", name ? name : "");
    made->next = objects;
    objects = made;
    return made;
}

void object_hold(struct object* object) { object->references++; }

void object_release(struct object* object) {
    if (!object || --object->references) return;
    struct object** place = &objects;
    while (*place != object) place = &(*place)->next;
    *place = object->next;
    if (object->kind == EBPF_OBJECT_MAP) map_free(&object->map);
    if (object->kind == EBPF_OBJECT_PROGRAM) program_free(&object->program);
    if (object->kind == EBPF_OBJECT_LINK) link_detach(&object->link);
    free(object);
}

struct object* object_by_fd(fd_t fd, ebpf_object_type_t kind) {
    struct object* found = fd > 0 && fd < MAX_FDS ? fds[fd] : NULL;
    return found && (kind == EBPF_OBJECT_UNKNOWN || found->kind == kind) ? found : NULL;
}

struct object* object_next(ebpf_object_type_t kind, __u32 after) {
    struct object* best = NULL;
    for (struct object* it = objects; it; it = it->next)
        if (it->kind == kind && it->id > after && (!best || it->id < best->id)) best = it;
    return best;
}

fd_t fd_open(struct object* object) {
    for (fd_t fd = 1; fd < MAX_FDS; fd++)
        if (!fds[fd]) {
            fds[fd] = object;
            return fd;
        }
    object_release(object);
    return -1;
}

ebpf_result_t ebpf_close_fd(fd_t fd) {
    ENTER(ebpf_close_fd, "%d", fd);
    struct object* object = object_by_fd(fd, EBPF_OBJECT_UNKNOWN);
    if (!object) return EBPF_INVALID_FD;
    fds[fd] = NULL;
    object_release(object);
    FAIL_RESULT; // closing has happened whatever it says
    return EBPF_SUCCESS;
}

ebpf_result_t ebpf_duplicate_fd(fd_t fd, fd_t* dup) {
    ENTER(ebpf_duplicate_fd, "%d", fd);
    FAIL_RESULT;
    struct object* object = object_by_fd(fd, EBPF_OBJECT_UNKNOWN);
    if (!object) return EBPF_INVALID_FD;
    object_hold(object);
    *dup = fd_open(object);
    return EBPF_SUCCESS;
}

// "/x/y", "/sys/fs/bpf/x/y", "BPF:/x/y" and "BPF:\x\y" are one path.
static bool canonicalize(char* out, size_t size, const char* path) {
    if (!strncmp(path, "BPF:", 4)) path += 4;
    else if (!strncmp(path, "/sys/fs/bpf/", 12)) path += 11;
    if (!*path || strlen(path) + 6 > size) return false;
    snprintf(out, size, "BPF:%s%s", *path == '/' || *path == '\\' ? "" : "\\", path);
    for (char* it = out; *it; it++)
        if (*it == '/') *it = '\\';
    return true;
}

ebpf_result_t ebpf_canonicalize_pin_path(char* output, size_t output_size, const char* input) {
    ENTER(ebpf_canonicalize_pin_path, "%s", input);
    FAIL_RESULT;
    return canonicalize(output, output_size, input) ? EBPF_SUCCESS : EBPF_INVALID_ARGUMENT;
}

static struct pin** pin_place(const char* path) {
    struct pin** place = &pins;
    while (*place && strcmp((*place)->path, path) < 0) place = &(*place)->next;
    return place;
}

ebpf_result_t pin_object(struct object* object, const char* path) {
    char canonical[MAX_PIN];
    if (!canonicalize(canonical, sizeof canonical, path)) return EBPF_INVALID_ARGUMENT;
    struct pin** place = pin_place(canonical);
    if (*place && !strcmp((*place)->path, canonical)) return EBPF_OBJECT_ALREADY_EXISTS;
    struct pin* made = calloc(1, sizeof *made);
    strcpy(made->path, canonical);
    made->object = object;
    made->next = *place;
    *place = made;
    object_hold(object);
    object->pins++;
    return EBPF_SUCCESS;
}

struct object* pin_find(const char* path) {
    char canonical[MAX_PIN];
    if (!canonicalize(canonical, sizeof canonical, path)) return NULL;
    struct pin* found = *pin_place(canonical);
    return found && !strcmp(found->path, canonical) ? found->object : NULL;
}

ebpf_result_t ebpf_object_unpin(const char* path) {
    ENTER(ebpf_object_unpin, "%s", path);
    FAIL_RESULT;
    char canonical[MAX_PIN];
    if (!canonicalize(canonical, sizeof canonical, path)) return EBPF_INVALID_ARGUMENT;
    struct pin** place = pin_place(canonical);
    struct pin* found = *place;
    if (!found || strcmp(found->path, canonical)) return EBPF_OBJECT_NOT_FOUND;
    *place = found->next;
    found->object->pins--;
    object_release(found->object);
    free(found);
    return EBPF_SUCCESS;
}

ebpf_result_t ebpf_get_next_pinned_object_path(const char* start_path, char* next_path, size_t next_path_len, ebpf_object_type_t* type) {
    ENTER(ebpf_get_next_pinned_object_path, "%s %d", start_path, (int)*type);
    FAIL_RESULT;
    for (struct pin* it = pins; it; it = it->next) {
        if (strcmp(it->path, start_path) <= 0) continue;
        if (*type != EBPF_OBJECT_UNKNOWN && it->object->kind != *type) continue;
        if (strlen(it->path) >= next_path_len) return EBPF_INSUFFICIENT_BUFFER;
        strcpy(next_path, it->path);
        *type = it->object->kind;
        return EBPF_SUCCESS;
    }
    return EBPF_NO_MORE_KEYS;
}

// -- what is still there ------------------------------------------------------------------------

STUB_API int stub_open_fds(void) {
    int count = 0;
    for (fd_t fd = 1; fd < MAX_FDS; fd++) count += fds[fd] != NULL;
    return count;
}

STUB_API int stub_objects(int kind) {
    int count = 0;
    for (struct object* it = objects; it; it = it->next) count += kind == 0 || (int)it->kind == kind;
    return count;
}

STUB_API int stub_pins(void) {
    int count = 0;
    for (struct pin* it = pins; it; it = it->next) count++;
    return count;
}

STUB_API int stub_ring_mappings(void) {
    int count = 0;
    for (struct object* it = objects; it; it = it->next)
        if (it->kind == EBPF_OBJECT_MAP) count += (int)it->map.attached;
    return count;
}

STUB_API int stub_attached(void) {
    int count = 0;
    for (struct object* it = objects; it; it = it->next)
        count += it->kind == EBPF_OBJECT_LINK && it->link.program != NULL;
    return count;
}

STUB_API void stub_reset(void) {
    while (pins) {
        struct pin* first = pins;
        pins = first->next;
        object_release(first->object);
        free(first);
    }
    for (fd_t fd = 1; fd < MAX_FDS; fd++) {
        object_release(fds[fd]);
        fds[fd] = NULL;
    }
    last_id = 0;
}
