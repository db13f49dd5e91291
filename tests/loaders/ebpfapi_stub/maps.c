// Maps of every kind, as lists of elements; rings and perf event arrays as memory.
#include "stub.h"

#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <unistd.h>
#endif

#define PAGE 4096u

static bool is_ring(__u32 type) { return type == MAP_RINGBUF || type == MAP_PERF_EVENT_ARRAY; }
static bool is_keyless(__u32 type) { return type == MAP_QUEUE || type == MAP_STACK; }
static bool is_array(__u32 type) { return type == MAP_ARRAY || type == MAP_PERCPU_ARRAY || type == MAP_PROG_ARRAY || type == MAP_ARRAY_OF_MAPS; }
static bool is_per_cpu(__u32 type) { return type == MAP_PERCPU_HASH || type == MAP_PERCPU_ARRAY || type == MAP_LRU_PERCPU_HASH; }
static bool holds_maps(__u32 type) { return type == MAP_ARRAY_OF_MAPS || type == MAP_HASH_OF_MAPS; }
static bool holds_objects(__u32 type) { return holds_maps(type) || type == MAP_PROG_ARRAY; }
static bool is_lru(__u32 type) { return type == MAP_LRU_HASH || type == MAP_LRU_PERCPU_HASH; }

static void* copy(const void* bytes, size_t size) {
    void* made = malloc(size ? size : 1);
    memcpy(made, bytes, size);
    return made;
}

static void append(struct map* map, const void* key, const void* value, struct object* object) {
    struct element* made = calloc(1, sizeof *made);
    made->key = copy(key ? key : "", map->key_size);
    made->value = copy(value, map->stored);
    made->object = object;
    struct element** place = &map->elements;
    while (*place) place = &(*place)->next;
    *place = made;
}

static void drop(struct element** place) {
    struct element* gone = *place;
    *place = gone->next;
    object_release(gone->object);
    free(gone->key);
    free(gone->value);
    free(gone);
}

static struct element** find(struct map* map, const void* key) {
    struct element** place = &map->elements;
    while (*place && memcmp((*place)->key, key, map->key_size)) place = &(*place)->next;
    return place;
}

static __u32 count(const struct map* map) {
    __u32 number = 0;
    for (const struct element* it = map->elements; it; it = it->next) number++;
    return number;
}

static ebpf_result_t check(__u32 type, __u32 key, __u32 value, __u32 entries, struct object* inner) {
    if (type == MAP_SAMPLE_HASH || type == MAP_XSKMAP) return EBPF_EXTENSION_FAILED_TO_LOAD;
    if (type == MAP_UNSPEC || type > MAP_XSKMAP || !entries) return EBPF_INVALID_ARGUMENT;
    if (is_ring(type)) {
        if (entries & (entries - 1)) return EBPF_INVALID_ARGUMENT;
        if (entries % PAGE) return EBPF_NO_MEMORY;
        return type == MAP_RINGBUF && key ? EBPF_INVALID_ARGUMENT : EBPF_SUCCESS;
    }
    if (is_keyless(type) ? key : !key) return EBPF_INVALID_ARGUMENT;
    if (!value || (type == MAP_LPM_TRIE && key < 4)) return EBPF_INVALID_ARGUMENT;
    if (holds_objects(type) && value != 4) return EBPF_INVALID_ARGUMENT;
    if (holds_maps(type) && !inner) return EBPF_INVALID_FD;
    return inner && !holds_objects(type) ? EBPF_INVALID_ARGUMENT : EBPF_SUCCESS;
}

ebpf_result_t map_new(__u32 type, const char* name, __u32 key, __u32 value, __u32 entries, fd_t inner, struct object** made) {
    struct object* template = inner ? object_by_fd(inner, EBPF_OBJECT_MAP) : NULL;
    if (inner && !template) return EBPF_INVALID_FD;
    ebpf_result_t result = check(type, key, value, entries, template);
    if (result) return result;
    struct object* object = object_new(EBPF_OBJECT_MAP, name);
    struct map* map = &object->map;
    map->type = type;
    map->key_size = key;
    map->value_size = value;
    map->stored = is_per_cpu(type) ? (value + 7) / 8 * 8 * CPUS : value;
    map->max_entries = entries;
    if (template) {
        object_hold(template);
        map->inner = template;
    }
    if (is_ring(type)) {
        map->consumer = calloc(1, PAGE);
        map->producer = calloc(1, PAGE);
        map->data = calloc(2, entries);
    }
    *made = object;
    if (!is_array(type) || holds_objects(type)) return EBPF_SUCCESS;
    void* zero = calloc(1, map->stored);
    uint8_t index[256] = {0};
    for (__u32 at = 0; at < entries; at++) {
        memcpy(index, &at, sizeof at);
        append(map, index, zero, NULL);
    }
    free(zero);
    return EBPF_SUCCESS;
}

void map_free(struct map* map) {
    while (map->elements) drop(&map->elements);
    object_release(map->inner);
    free(map->consumer);
    free(map->producer);
    free(map->data);
}

ebpf_result_t map_lookup(struct map* map, const void* key, void* value, bool take) {
    if (is_ring(map->type)) return EBPF_OPERATION_NOT_SUPPORTED;
    if (is_keyless(map->type) ? key != NULL : key == NULL) return EBPF_INVALID_ARGUMENT;
    if (take && (is_array(map->type) || holds_objects(map->type) || map->type == MAP_LPM_TRIE)) return EBPF_OPERATION_NOT_SUPPORTED;
    struct element** place = is_keyless(map->type) ? &map->elements : find(map, key);
    if (map->type == MAP_STACK)
        while (*place && (*place)->next) place = &(*place)->next;
    if (!*place) return EBPF_OBJECT_NOT_FOUND;
    if ((*place)->object) memcpy(value, &(*place)->object->id, 4);
    else memcpy(value, (*place)->value, map->stored);
    if (take) drop(place);
    return EBPF_SUCCESS;
}

static ebpf_result_t store(struct map* map, const void* value, struct object** held) {
    fd_t fd;
    memcpy(&fd, value, sizeof fd);
    struct object* object = object_by_fd(fd, holds_maps(map->type) ? EBPF_OBJECT_MAP : EBPF_OBJECT_PROGRAM);
    if (!object) return EBPF_INVALID_FD;
    if (holds_maps(map->type)) {
        const struct map *a = &object->map, *b = &map->inner->map;
        if (a->type != b->type || a->key_size != b->key_size || a->value_size != b->value_size || a->max_entries != b->max_entries) return EBPF_INVALID_OBJECT;
    }
    object_hold(object);
    *held = object;
    return EBPF_SUCCESS;
}

ebpf_result_t map_update(struct map* map, const void* key, const void* value, __u64 flags) {
    if (is_ring(map->type)) return EBPF_OPERATION_NOT_SUPPORTED;
    if (flags > 2 || (is_keyless(map->type) ? key != NULL : key == NULL)) return EBPF_INVALID_ARGUMENT;
    if (is_keyless(map->type)) {
        if (count(map) >= map->max_entries) return EBPF_OUT_OF_SPACE;
        append(map, NULL, value, NULL);
        return EBPF_SUCCESS;
    }
    __u32 index;
    memcpy(&index, key, map->key_size < 4 ? map->key_size : 4);
    if (is_array(map->type) && (index >= map->max_entries || flags == 1)) return EBPF_INVALID_ARGUMENT;
    struct element** place = find(map, key);
    if (flags == 1 && *place) return EBPF_OBJECT_ALREADY_EXISTS;
    if (flags == 2 && !*place) return EBPF_KEY_NOT_FOUND;
    struct object* held = NULL;
    if (holds_objects(map->type)) {
        ebpf_result_t result = store(map, value, &held);
        if (result) return result;
    }
    if (*place && !holds_objects(map->type)) {
        memcpy((*place)->value, value, map->stored);
        return EBPF_SUCCESS;
    }
    if (*place) drop(place);
    if (is_lru(map->type) && count(map) >= map->max_entries) drop(&map->elements);
    append(map, key, value, held);
    return EBPF_SUCCESS;
}

ebpf_result_t map_delete(struct map* map, const void* key) {
    if (is_ring(map->type) || is_keyless(map->type)) return EBPF_OPERATION_NOT_SUPPORTED;
    struct element** place = find(map, key);
    if (!*place) return EBPF_KEY_NOT_FOUND;
    if (is_array(map->type) && !holds_objects(map->type)) memset((*place)->value, 0, map->stored);
    else drop(place);
    return EBPF_SUCCESS;
}

ebpf_result_t map_next_key(struct map* map, const void* key, void* next) {
    if (is_ring(map->type) || is_keyless(map->type)) return EBPF_OPERATION_NOT_SUPPORTED;
    struct element* it = map->elements;
    if (key) {
        struct element* found = *find(map, key);
        if (found) it = found->next; // a key that has gone starts the walk again
    }
    if (!it) return EBPF_NO_MORE_KEYS;
    memcpy(next, it->key, map->key_size);
    return EBPF_SUCCESS;
}

static struct map* map_of(fd_t fd) {
    struct object* object = object_by_fd(fd, EBPF_OBJECT_MAP);
    return object ? &object->map : NULL;
}

// -- libbpf-like functions ----------------------------------------------------------------------

static int opened(ebpf_result_t result, struct object* made) {
    if (result) return -errno_of(result);
    fd_t fd = fd_open(made);
    return fd < 0 ? -errno_of(EBPF_NO_MEMORY) : fd;
}

int bpf_map_create(enum bpf_map_type map_type, const char* map_name, __u32 key_size, __u32 value_size, __u32 max_entries, const struct bpf_map_create_opts* opts) {
    ENTER(bpf_map_create, "%d %s %u %u %u %s", (int)map_type, map_name, key_size, value_size, max_entries, opts ? "opts" : "NULL");
    FAIL_ERRNO;
    struct object* made = NULL;
    ebpf_result_t result = map_new((__u32)map_type, map_name, key_size, value_size, max_entries, 0, &made);
    return opened(result, made);
}

int bpf_create_map_in_map(enum bpf_map_type map_type, const char* name, int key_size, int inner_map_fd, int max_entries, __u32 map_flags) {
    ENTER(bpf_create_map_in_map, "%d %s %d %d %d %u", (int)map_type, name, key_size, inner_map_fd, max_entries, map_flags);
    FAIL_ERRNO;
    struct object* made = NULL;
    ebpf_result_t result = map_new((__u32)map_type, name, (__u32)key_size, 4, (__u32)max_entries, inner_map_fd, &made);
    return opened(result, made);
}

static bool good(const struct bpf_map_batch_opts* opts) { return !opts || (opts->sz == sizeof *opts && !opts->flags); }

int bpf_map_lookup_batch(int fd, void* in_batch, void* out_batch, void* keys, void* values, __u32* number, const struct bpf_map_batch_opts* opts) {
    ENTER(bpf_map_lookup_batch, "%d %s %u", fd, in_batch ? "more" : "first", *number);
    FAIL_ERRNO;
    struct map* map = map_of(fd);
    if (!map || !good(opts)) return map ? -22 : -9;
    if (is_array(map->type) || is_keyless(map->type) || is_ring(map->type)) return -129;
    __u32 wanted = *number, got = 0;
    const void* key = in_batch;
    uint8_t* place = keys;
    for (; got < wanted && !map_next_key(map, key, place); got++) {
        map_lookup(map, place, (uint8_t*)values + got * map->stored, false);
        key = place;
        place += map->key_size;
    }
    if (got) memcpy(out_batch, key, map->key_size);
    *number = got;
    return got < wanted ? -2 : 0;
}

int bpf_map_update_batch(int fd, const void* keys, const void* values, __u32* number, const struct bpf_map_batch_opts* opts) {
    ENTER(bpf_map_update_batch, "%d %u", fd, *number);
    FAIL_ERRNO;
    struct map* map = map_of(fd);
    if (!map || !good(opts)) return map ? -22 : -9;
    for (__u32 at = 0; at < *number; at++) {
        ebpf_result_t result = map_update(map, (const uint8_t*)keys + at * map->key_size, (const uint8_t*)values + at * map->stored, 0);
        if (result) return -errno_of(result);
    }
    return 0;
}

int bpf_map_delete_batch(int fd, const void* keys, __u32* number, const struct bpf_map_batch_opts* opts) {
    ENTER(bpf_map_delete_batch, "%d %u", fd, *number);
    FAIL_ERRNO;
    struct map* map = map_of(fd);
    if (!map || !good(opts)) return map ? -22 : -9;
    for (__u32 at = 0; at < *number; at++) {
        ebpf_result_t result = map_delete(map, (const uint8_t*)keys + at * map->key_size);
        if (result) return -errno_of(result);
    }
    return 0;
}

int libbpf_num_possible_cpus(void) {
    ENTER(libbpf_num_possible_cpus, "%s", "");
    FAIL_ERRNO;
    return CPUS;
}

// -- rings --------------------------------------------------------------------------------------

static void notify(struct map* map) {
    if (!map->event) return;
#ifdef _WIN32
    SetEvent((HANDLE)map->event);
#else
    uint64_t one = 1; // an eventfd stands for a Windows event
    if (write((int)map->event, &one, sizeof one) < 0) return;
#endif
}

static ebpf_result_t put(struct map* map, const void* data, size_t length, __u32 flags) {
    uint64_t consumed, produced;
    memcpy(&consumed, map->consumer, 8);
    memcpy(&produced, map->producer, 8);
    size_t size = (length + 8 + 7) / 8 * 8;
    if (size > map->max_entries - (produced - consumed)) return EBPF_OUT_OF_SPACE;
    __u32 header = (__u32)length | flags;
    uint64_t at = produced % map->max_entries;
    memcpy(map->data + at, &header, 4);
    memset(map->data + at + 4, 0, 4);
    memcpy(map->data + at + 8, data, length);
    for (uint64_t it = at; it < at + size; it++) // both views of the data are one
        map->data[it < map->max_entries ? it + map->max_entries : it - map->max_entries] = map->data[it];
    produced += size;
    memcpy(map->producer, &produced, 8);
    notify(map);
    return EBPF_SUCCESS;
}

ebpf_result_t ebpf_ring_buffer_map_write(fd_t ring_buffer_map_fd, const void* data, size_t data_length) {
    ENTER(ebpf_ring_buffer_map_write, "%d %u", ring_buffer_map_fd, (unsigned)data_length);
    FAIL_RESULT;
    struct map* map = map_of(ring_buffer_map_fd);
    return map && map->type == MAP_RINGBUF ? put(map, data, data_length, 0) : EBPF_INVALID_FD;
}

// A record a program gave up (1 << 30), or has not finished (1 << 31).
STUB_API int stub_ring_put(fd_t fd, const void* data, size_t length, __u32 flags) { return put(map_of(fd), data, length, flags); }

ebpf_result_t ebpf_perf_event_array_map_write(fd_t perf_event_array_map_fd, const void* data, size_t data_length) {
    ENTER(ebpf_perf_event_array_map_write, "%d %u", perf_event_array_map_fd, (unsigned)data_length);
    FAIL_RESULT;
    struct map* map = map_of(perf_event_array_map_fd);
    return map && map->type == MAP_PERF_EVENT_ARRAY ? put(map, data, data_length, 0) : EBPF_INVALID_FD;
}

ebpf_result_t ebpf_map_set_wait_handle(fd_t map_fd, uint64_t index, ebpf_handle_t handle) {
    ENTER(ebpf_map_set_wait_handle, "%d %u %s", map_fd, (unsigned)index, handle ? "event" : "none");
    FAIL_RESULT;
    struct map* map = map_of(map_fd);
    if (!map || !is_ring(map->type)) return EBPF_INVALID_FD;
    map->event = handle;
    return EBPF_SUCCESS;
}

ebpf_result_t ebpf_ring_buffer_map_map_buffer(fd_t map_fd, void** consumer, const void** producer, const uint8_t** data, size_t* data_size) {
    ENTER(ebpf_ring_buffer_map_map_buffer, "%d", map_fd);
    FAIL_RESULT;
    struct map* map = map_of(map_fd);
    if (!map || map->type != MAP_RINGBUF) return EBPF_INVALID_FD;
    map->attached++;
    *consumer = map->consumer;
    *producer = map->producer;
    *data = map->data;
    *data_size = map->max_entries;
    return EBPF_SUCCESS;
}

ebpf_result_t ebpf_ring_buffer_map_unmap_buffer(fd_t map_fd, void* consumer, const void* producer, const void* data) {
    ENTER(ebpf_ring_buffer_map_unmap_buffer, "%d", map_fd);
    struct map* map = map_of(map_fd);
    if (!map || !map->attached || consumer != map->consumer || producer != map->producer || data != map->data) return EBPF_INVALID_ARGUMENT;
    map->attached--;
    map->event = 0;
    FAIL_RESULT;
    return EBPF_SUCCESS;
}

// -- perf buffers -------------------------------------------------------------------------------

struct perf_buffer { struct object* map; perf_buffer_sample_fn sample; perf_buffer_lost_fn lost; void* context; };

static int perf_buffers;
static uint64_t lost_records;

STUB_API int stub_perf_buffers(void) { return perf_buffers; }
STUB_API void stub_lose(uint64_t records) { lost_records = records; }

struct perf_buffer* perf_buffer__new(int map_fd, size_t page_cnt, perf_buffer_sample_fn sample_cb, perf_buffer_lost_fn lost_cb, void* ctx, const struct perf_buffer_opts* opts) {
    ENTER(perf_buffer__new, "%d %u %s", map_fd, (unsigned)page_cnt, opts ? "opts" : "NULL");
    FAIL_NULL;
    struct object* map = object_by_fd(map_fd, EBPF_OBJECT_MAP);
    if (!map || map->map.type != MAP_PERF_EVENT_ARRAY || page_cnt || !sample_cb || !lost_cb) return NULL;
    struct perf_buffer* made = calloc(1, sizeof *made);
    object_hold(map);
    *made = (struct perf_buffer){map, sample_cb, lost_cb, ctx};
    perf_buffers++;
    return made;
}

int perf_buffer__poll(struct perf_buffer* pb, int timeout_ms) {
    ENTER(perf_buffer__poll, "%d", timeout_ms);
    FAIL_ERRNO;
    struct map* map = &pb->map->map;
    uint64_t consumed, produced;
    int number = 0;
    memcpy(&consumed, map->consumer, 8);
    memcpy(&produced, map->producer, 8);
    for (; consumed < produced; number++) {
        __u32 length;
        uint8_t* record = map->data + consumed % map->max_entries;
        memcpy(&length, record, 4);
        pb->sample(pb->context, 0, record + 8, length);
        consumed += (length + 8 + 7) / 8 * 8;
    }
    memcpy(map->consumer, &consumed, 8);
    if (lost_records) pb->lost(pb->context, 1, lost_records);
    lost_records = 0;
    return number;
}

void perf_buffer__free(struct perf_buffer* pb) {
    ENTER(perf_buffer__free, "%s", "");
    object_release(pb->map);
    free(pb);
    perf_buffers--;
}
