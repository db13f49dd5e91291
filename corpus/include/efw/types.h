/* SPDX-License-Identifier: MIT */
/* Basic types, and the platform tag that objects for eBPF for Windows (efW) carry. */
#ifndef CORPUS_EFW_TYPES_H
#define CORPUS_EFW_TYPES_H

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef _Bool bool;

#define true 1
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))

/* Compile with -DNO_TAG for what older headers gave. */
#ifndef NO_TAG
const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;
#endif

#endif
