// The tests' side: what was called, what is to fail, and what is still open.
#include "stub.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#endif

#ifndef EFW_RELEASE
#define EFW_RELEASE "unreleased"
#endif

static char* calls;
static size_t used, room;
static long call_count, fail_at = -1, fail_nth = -1;
static int fail_code = 12, last_error;
static char fail_name[128];

STUB_API const char* stub_release(void) { return EFW_RELEASE; }
STUB_API const char* stub_calls(void) { return calls ? calls : ""; }
STUB_API long stub_call_count(void) { return call_count; }
STUB_API int stub_last_error(void) { return last_error; }

STUB_API void stub_forget_calls(void) {
    used = 0;
    call_count = 0;
    fail_at = fail_nth = -1;
    fail_name[0] = 0;
    if (calls) calls[0] = 0;
}

// Fail the call with this number, counted from 0 over all exports.
STUB_API void stub_fail_at(long index, int code) { fail_at = index; fail_code = code; }

// Fail the nth call (from 0) of one export.
STUB_API void stub_fail(const char* name, long nth, int code) {
    snprintf(fail_name, sizeof fail_name, "%s", name);
    fail_nth = nth;
    fail_code = code;
}

void stub_set_last_error(int code) {
    last_error = code;
#ifdef _WIN32
    SetLastError((DWORD)code);
#endif
}

int stub_enter(const char* name, const char* format, ...) {
    char line[512];
    int length = snprintf(line, sizeof line, "%s", name);
    if (*format) {
        va_list arguments;
        line[length++] = ' ';
        va_start(arguments, format);
        vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
        va_end(arguments);
    }
    size_t more = strlen(line) + 2;
    if (used + more > room) {
        room = 2 * (room + more);
        calls = realloc(calls, room);
    }
    used += (size_t)snprintf(calls + used, room - used, "%s\n", line);
    bool named = fail_name[0] && !strcmp(fail_name, name) && fail_nth-- == 0;
    bool numbered = call_count++ == fail_at;
    stub_set_last_error(0);
    return named || numbered ? fail_code : 0;
}

int errno_of(ebpf_result_t result) {
    switch (result) {
    case EBPF_SUCCESS: return 0;
    case EBPF_VERIFICATION_FAILED: return 13;
    case EBPF_INVALID_FD: return 9;
    case EBPF_INVALID_OBJECT: case EBPF_INVALID_ARGUMENT: case EBPF_EXTENSION_FAILED_TO_LOAD: return 22;
    case EBPF_OBJECT_NOT_FOUND: case EBPF_FILE_NOT_FOUND: case EBPF_KEY_NOT_FOUND: case EBPF_NO_MORE_KEYS: return 2;
    case EBPF_OBJECT_ALREADY_EXISTS: return 17;
    case EBPF_NO_MEMORY: return 12;
    case EBPF_OPERATION_NOT_SUPPORTED: return 129;
    case EBPF_INSUFFICIENT_BUFFER: return 119;
    case EBPF_OUT_OF_SPACE: return 28;
    default: return 131;
    }
}
