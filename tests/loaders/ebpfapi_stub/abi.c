// A Windows program that uses the DLL as a loader does, and tells what it sees.
#include "stub.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

static HMODULE dll;

static FARPROC find(const char* name) { return GetProcAddress(dll, name); }

#define GET(type, name) type name##_; { FARPROC found_ = find(#name); if (!found_) return 2; memcpy(&name##_, &found_, sizeof found_); }

typedef int (*bpf_fn)(int, union bpf_attr*, unsigned int);
typedef ebpf_result_t (*close_fn)(fd_t);
typedef ebpf_result_t (*handle_fn)(fd_t, uint64_t, ebpf_handle_t);
typedef ebpf_result_t (*map_fn)(fd_t, void**, const void**, const uint8_t**, size_t*);
typedef ebpf_result_t (*unmap_fn)(fd_t, void*, const void*, const void*);
typedef ebpf_result_t (*write_fn)(fd_t, const void*, size_t);
typedef const char* (*layout_fn)(unsigned);
typedef int (*open_fn)(void);
typedef int (*objects_fn)(int);

int main(void) {
    dll = LoadLibraryA("ebpfapi.dll");
    if (!dll) return 1;
    GET(bpf_fn, bpf) GET(close_fn, ebpf_close_fd) GET(handle_fn, ebpf_map_set_wait_handle)
    GET(map_fn, ebpf_ring_buffer_map_map_buffer) GET(unmap_fn, ebpf_ring_buffer_map_unmap_buffer)
    GET(write_fn, ebpf_ring_buffer_map_write) GET(layout_fn, stub_layout_at)
    GET(open_fn, stub_open_fds) GET(objects_fn, stub_objects)

    const char* line;
    for (unsigned at = 0; (line = stub_layout_at_(at)) != NULL; at++) printf("layout %s\n", line);
    FILE* names = fopen("exports.txt", "r");
    char name[128];
    while (names && fgets(name, sizeof name, names)) {
        name[strcspn(name, "\r\n")] = 0;
        if (find(name)) printf("export %s\n", name);
    }

    union bpf_attr attr = {.create = {.map_type = MAP_RINGBUF, .max_entries = 4096, .map_name = "ring"}};
    int fd = bpf_(0, &attr, sizeof attr.create);
    if (fd > 0) printf("created\n");
    int code = bpf_(22, &attr, sizeof attr.create); // BPF_MAP_FREEZE, which efW does not have
    printf("refused %d %u\n", -code, (unsigned)GetLastError());

    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    void* consumer;
    const void* producer;
    const uint8_t* data;
    size_t size;
    if (ebpf_map_set_wait_handle_(fd, 0, (ebpf_handle_t)event) || ebpf_ring_buffer_map_map_buffer_(fd, &consumer, &producer, &data, &size)) return 3;
    if (ebpf_ring_buffer_map_write_(fd, "hello", 5)) return 4;
    if (WaitForSingleObject(event, 10000) == WAIT_OBJECT_0) printf("event set\n");
    printf("ring %u\n", (unsigned)*(const uint32_t*)data);
    if (!ebpf_ring_buffer_map_unmap_buffer_(fd, consumer, producer, data) && !ebpf_close_fd_(fd)) printf("closed\n");
    printf("left %d %d\n", stub_open_fds_(), stub_objects_(0));
    return 0;
}
