/* What a header like bpf_core_read.h gives CO-RE programs, as far as the cases need it. */
#ifndef CASES_H
#define CASES_H

#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

enum { FIELD_BYTE_OFFSET, FIELD_BYTE_SIZE, FIELD_EXISTS, FIELD_SIGNED, FIELD_LSHIFT, FIELD_RSHIFT };
enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES };
enum { ENUM_EXISTS, ENUM_VALUE };

#define field_info(field, kind) __builtin_preserve_field_info(field, kind)
#define type_info(type, kind) __builtin_preserve_type_info(*(type *)0, kind)
#define type_id(type, kind) __builtin_btf_type_id(*(type *)0, kind)
#define enum_info(type, name, kind) __builtin_preserve_enum_value(*(type *)name, kind)

#endif
