/* The object's side of CO-RE cases; target.c is the kernel's.
 *
 * What libbpf refuses ends a load, so each such case is an object of its own: -DCASE_...
 */
#include "cases.h"

struct CORE plain {
	int a;
	u64 moved;
	u32 shrunk;
	u64 grown;
	int sign_changed;
	void *pointer;
	u16 gone;
	char name[16];
	u32 list[4];
	struct { int inner; union { u8 small; u64 large; }; };
	u32 low : 3, middle : 7, high : 9;
	int neg : 5;
	struct nested { int x, y[3]; } one, many[2];
	struct { int tail[0]; };
	u64 flexible[];
};

struct CORE kind_changed { int was_int; int *was_ptr; float was_float; struct nested was_struct; };
struct CORE absent { int a; };
struct CORE flavoured___old { int before; };
struct CORE flavoured___new { long after; };
struct CORE twins { int here; };
struct CORE differing { int there; };
union CORE choice { int a; u64 b; };
enum colour { RED, GREEN = 7, PURPLE = 9, RED___again = 55 };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 1ULL << 40 };
enum narrow { NARROW_MINUS = -3 };
enum unsigned_top { TOP = 0xffffffff };
enum nowhere { NOWHERE };
typedef struct nested nested_t;
typedef int (*callback_t)(struct plain *, int);
typedef int number_t;
struct CORE matching { int a; struct nested *n; enum colour c; callback_t f; };
struct CORE not_matching { int a; long b; };
struct CORE enum_field { enum colour c; enum { ANON_A } e; };

u64 sink;
#define USE(value) sink += (u64)(value)

SEC("raw_tp/offsets") int offsets(struct plain *p)
{
	USE(p->a); USE(p->moved); USE(p->shrunk); USE(p->grown); USE(p->pointer);
	USE(p->inner); USE(p->small); USE(p->large); USE(p->name[5]); USE(p->list[2]);
	USE(p->one.x); USE(p->many[1].y[2]); USE(p->flexible[3]); USE(p[2].a);
	USE(p->low); USE(p->middle); USE(p->high);
	return 0;
}

SEC("raw_tp/refused") int refused(struct plain *p)
{
	USE(p->sign_changed); USE(p->gone); USE(p->list[3]);
	return 0;
}

#define SOME(field) \
	USE(field_info(field, FIELD_BYTE_OFFSET)); USE(field_info(field, FIELD_BYTE_SIZE)); \
	USE(field_info(field, FIELD_EXISTS))
#define ALL(field) SOME(field); USE(field_info(field, FIELD_SIGNED)); \
	USE(field_info(field, FIELD_LSHIFT)); USE(field_info(field, FIELD_RSHIFT))

SEC("raw_tp/fields") int fields(struct plain *p, struct kind_changed *k, struct absent *x)
{
	ALL(p->a); ALL(p->moved); ALL(p->sign_changed); ALL(p->gone); ALL(p->shrunk);
	ALL(p->low); ALL(p->middle); ALL(p->high); ALL(p->neg); SOME(p->pointer);
	ALL(x->a); ALL(k->was_int); SOME(k->was_ptr); SOME(k->was_float);
	SOME(k->was_struct);
	USE(field_info(p->name, FIELD_BYTE_SIZE)); USE(field_info(p->name[3], FIELD_BYTE_OFFSET));
	USE(field_info(p->list[3], FIELD_EXISTS)); USE(field_info(p->list[1], FIELD_BYTE_SIZE));
	return 0;
}

SEC("raw_tp/flavours")
int flavours(struct flavoured___old *o, struct flavoured___new *n, struct twins *t,
	     union choice *c, struct enum_field *e)
{
	USE(field_info(o->before, FIELD_EXISTS)); USE(field_info(n->after, FIELD_EXISTS));
	USE(n->after); USE(t->here); USE(c->b); USE(e->c); USE(e->e);
	return 0;
}

SEC("raw_tp/types") int types(void *ctx)
{
#define TYPES(type) \
	USE(type_info(type, TYPE_EXISTS)); USE(type_info(type, TYPE_SIZE)); \
	USE(type_info(type, TYPE_MATCHES)); USE(type_id(type, 0)); USE(type_id(type, 1))
	TYPES(struct plain); TYPES(struct nested); TYPES(struct absent); TYPES(union choice);
	TYPES(enum colour); TYPES(enum wide); TYPES(nested_t); TYPES(callback_t); TYPES(number_t);
	TYPES(struct matching); TYPES(struct not_matching);
	return 0;
}

SEC("raw_tp/enums") int enums(void *ctx)
{
#define ENUM(type, name) \
	USE(enum_info(enum type, name, ENUM_EXISTS)); USE(enum_info(enum type, name, ENUM_VALUE))
	ENUM(colour, RED); ENUM(colour, GREEN); ENUM(colour, PURPLE); ENUM(colour, RED___again);
	ENUM(wide, WIDE_LOW); ENUM(wide, WIDE_HIGH); ENUM(narrow, NARROW_MINUS);
	ENUM(unsigned_top, TOP); ENUM(nowhere, NOWHERE);
	return 0;
}

#ifdef CASE_AMBIGUOUS_OFFSET
SEC("raw_tp/refused") int ambiguous(struct differing *d)
{
	USE(d->there);
	return 0;
}
#endif

#ifdef CASE_AMBIGUOUS_ID
SEC("raw_tp/refused") int ambiguous(void *ctx)
{
	USE(type_id(struct twins, 1));
	return 0;
}
#endif

#ifdef CASE_AMBIGUOUS_SIZE
SEC("raw_tp/refused") int ambiguous(void *ctx)
{
	USE(type_info(struct differing, TYPE_SIZE));
	return 0;
}
#endif

#ifdef CASE_TOO_FAR
struct CORE far { int away; };
SEC("raw_tp/refused") int far(struct far *f)
{
	USE(f->away);
	return 0;
}
#endif

#ifdef CASE_WIDE_BITFIELD
struct CORE straddling { u64 a : 1, b : 62; };
SEC("raw_tp/refused") int straddling(struct straddling *s)
{
	USE(field_info(s->b, FIELD_BYTE_SIZE));
	return 0;
}
#endif

#ifdef CASE_ODD_SIZE
struct CORE odd { u64 field; };
SEC("raw_tp/refused") int odd(struct odd *o)
{
	USE(o->field);
	return 0;
}
#endif

char _license[] SEC("license") = "GPL";
