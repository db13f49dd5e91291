/* The kernel's side of CO-RE cases: what local.c has, changed in one way each. */
#include "cases.h"

struct nested { short added; int y[5]; int x; };
struct plain {
	u64 before[3];
	u64 moved;
	u16 shrunk;
	u32 grown_;
	u64 grown;
	u64 sign_changed;
	struct { u8 pad; struct { u16 inner; u64 large; u8 small; }; };
	const volatile void *const pointer;
	int a;
	char name[32];
	u64 list[3];
	u64 gap : 5, low : 3, middle : 20, high : 30;
	int neg : 6;
	struct nested one, many[4];
	u64 flexible[];
};
struct kind_changed { int *was_int; int was_ptr; double was_float; union { int x; } was_struct; };
struct flavoured { int unrelated; long after; };
struct twins { int first; int here; };
struct twins___other { int renamed; int here; };
struct differing { int there; };
struct differing___2 { long shifted; int there; };
union choice { u64 b; int a; char more[20]; };
enum colour { RED = 3, GREEN, BLUE };
enum wide { WIDE_HIGH = 1ULL << 41, WIDE_LOW = 2 };
enum narrow { NARROW_MINUS = -30, NARROW_OTHER = 1 };
enum unsigned_top { TOP = 0xfffffffe };
typedef struct nested nested_t;
typedef int (*callback_t)(struct plain *, long);
typedef long number_t;
struct matching { long added; int a; struct nested *n; enum colour c; callback_t f; };
struct not_matching { int a; int b; };
struct enum_field { int front; enum colour c; enum { OTHER } e; };

struct far { char gap[40000]; int away; };
struct __attribute__((packed)) straddling { u64 a : 5, b : 62; };
struct odd { unsigned __int128 field; };

struct all {
	struct far s; struct odd t; struct straddling u; struct kind_changed b; struct flavoured c; struct twins d;
	struct twins___other e; struct differing f; struct differing___2 g; union choice h;
	enum colour i; enum wide j; enum narrow k; enum unsigned_top l; nested_t m; callback_t n;
	number_t o; struct matching p; struct not_matching q; struct enum_field r;
	struct plain a;
} *everything;
