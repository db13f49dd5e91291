"""Records of the BTF type kinds: what one type says, with its references still ids.

A record is light (a named tuple) and frozen; following ``type_id`` is the business of
:class:`~ebpf_static.btf.reader.Btf`. Offsets and sizes of members are in bits, sizes of types in
bytes, as BTF has them. Being tuples, records of different kinds with equal fields compare equal:
tell kinds apart by ``.kind`` or ``isinstance``.

Source: Documentation/bpf/btf.rst and include/uapi/linux/btf.h of Linux.
"""

from enum import IntEnum
from typing import NamedTuple, TypeAlias


class Kind(IntEnum):
    """Number of a BTF kind (``BTF_KIND_*``)."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


INT_SIGNED = 1
"""Bit of :attr:`Int.encoding`: the integer is signed (``BTF_INT_SIGNED``)."""

INT_CHAR = 2
"""Bit of :attr:`Int.encoding`: a character (``BTF_INT_CHAR``)."""

INT_BOOL = 4
"""Bit of :attr:`Int.encoding`: a boolean (``BTF_INT_BOOL``)."""

LINKAGE_STATIC = 0
LINKAGE_GLOBAL = 1
LINKAGE_EXTERN = 2


class Void(NamedTuple):
    """Type id 0: ``void``, or the end of a chain of references."""

    id: int = 0
    name: str = ""

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.VOID`."""
        return Kind.VOID


class Int(NamedTuple):
    """An integer, character or boolean of ``bits`` bits at bit ``offset`` in ``size`` bytes."""

    id: int
    name: str
    size: int
    encoding: int
    offset: int
    bits: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.INT`."""
        return Kind.INT

    @property
    def is_signed(self) -> bool:
        """Whether the encoding says signed; plain ``char`` depends on its compiler."""
        return bool(self.encoding & INT_SIGNED)

    @property
    def is_bool(self) -> bool:
        """Whether the encoding says boolean."""
        return bool(self.encoding & INT_BOOL)


class Ptr(NamedTuple):
    """A pointer to ``type_id`` (0 is ``void *``)."""

    id: int
    name: str
    type_id: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.PTR`."""
        return Kind.PTR


class Array(NamedTuple):
    """``nelems`` elements of ``type_id``; 0 elements is a flexible array."""

    id: int
    name: str
    type_id: int
    index_type_id: int
    nelems: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.ARRAY`."""
        return Kind.ARRAY


class Member(NamedTuple):
    """A field of a struct or union.

    ``bitfield_size`` is 0 for what is not a bitfield. Before Linux 5.0 (``kflag`` 0) a bitfield is
    a field whose :class:`Int` has fewer bits than its size.
    """

    name: str
    type_id: int
    bit_offset: int
    bitfield_size: int


class Struct(NamedTuple):
    """A struct of ``size`` bytes; an anonymous one has an empty name.

    ``kflag`` says whether member offsets carry bitfield sizes.
    """

    id: int
    name: str
    size: int
    members: tuple[Member, ...]
    kflag: bool

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.STRUCT`."""
        return Kind.STRUCT


class Union(NamedTuple):
    """A union of ``size`` bytes, otherwise like :class:`Struct`."""

    id: int
    name: str
    size: int
    members: tuple[Member, ...]
    kflag: bool

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.UNION`."""
        return Kind.UNION


class EnumValue(NamedTuple):
    """One enumerator; ``value`` already has the sign the enum declares."""

    name: str
    value: int


class Enum(NamedTuple):
    """An enum of 32-bit values in ``size`` bytes; a forward declaration has no values."""

    id: int
    name: str
    size: int
    signed: bool
    values: tuple[EnumValue, ...]

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.ENUM`."""
        return Kind.ENUM


class Fwd(NamedTuple):
    """A forward declaration of a struct, or of a union."""

    id: int
    name: str
    is_union: bool

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.FWD`."""
        return Kind.FWD


class Typedef(NamedTuple):
    """A typedef of ``type_id``."""

    id: int
    name: str
    type_id: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.TYPEDEF`."""
        return Kind.TYPEDEF


class Volatile(NamedTuple):
    """``volatile`` of ``type_id``."""

    id: int
    name: str
    type_id: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.VOLATILE`."""
        return Kind.VOLATILE


class Const(NamedTuple):
    """``const`` of ``type_id``."""

    id: int
    name: str
    type_id: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.CONST`."""
        return Kind.CONST


class Restrict(NamedTuple):
    """``restrict`` of ``type_id``."""

    id: int
    name: str
    type_id: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.RESTRICT`."""
        return Kind.RESTRICT


class Func(NamedTuple):
    """A function of prototype ``type_id``; ``linkage`` 0 static, 1 global, 2 extern."""

    id: int
    name: str
    type_id: int
    linkage: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.FUNC`."""
        return Kind.FUNC


class Param(NamedTuple):
    """A parameter; name and type 0 together at the end mean ``...``."""

    name: str
    type_id: int


class FuncProto(NamedTuple):
    """A function's return type ``type_id`` and parameters."""

    id: int
    name: str
    type_id: int
    params: tuple[Param, ...]

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.FUNC_PROTO`."""
        return Kind.FUNC_PROTO


class Var(NamedTuple):
    """A variable of ``type_id``; ``linkage`` 0 static, 1 global, 2 extern."""

    id: int
    name: str
    type_id: int
    linkage: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.VAR`."""
        return Kind.VAR


class SectionVar(NamedTuple):
    """A variable (or extern function) of a section, both numbers in bytes.

    Compilers leave ``offset`` 0 for the linker or loader to fill in from the symbol.
    """

    type_id: int
    offset: int
    size: int


class Datasec(NamedTuple):
    """The variables of an ELF section; ``size`` in bytes is 0 until a loader fills it in."""

    id: int
    name: str
    size: int
    vars: tuple[SectionVar, ...]

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.DATASEC`."""
        return Kind.DATASEC


class Float(NamedTuple):
    """A floating point number of ``size`` bytes."""

    id: int
    name: str
    size: int

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.FLOAT`."""
        return Kind.FLOAT


class DeclTag(NamedTuple):
    """``btf_decl_tag`` text (the name) on ``type_id``, or on its member or parameter.

    ``component_idx`` -1 means the whole declaration. ``kflag`` (Linux 6.15) makes the name a
    whole attribute instead of a tag.
    """

    id: int
    name: str
    type_id: int
    component_idx: int
    kflag: bool

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.DECL_TAG`."""
        return Kind.DECL_TAG


class TypeTag(NamedTuple):
    """``btf_type_tag`` text (the name) on ``type_id``; ``kflag`` as in :class:`DeclTag`."""

    id: int
    name: str
    type_id: int
    kflag: bool

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.TYPE_TAG`."""
        return Kind.TYPE_TAG


class Enum64(NamedTuple):
    """An enum of 64-bit values in ``size`` bytes."""

    id: int
    name: str
    size: int
    signed: bool
    values: tuple[EnumValue, ...]

    @property
    def kind(self) -> Kind:
        """:attr:`Kind.ENUM64`."""
        return Kind.ENUM64


class Unknown(NamedTuple):
    """A kind newer than this package, which the BTF's layout section let us step over.

    Attributes:
        number: the kind's number.
        info: the record's ``info`` word.
        size_or_type: its third word.
    """

    id: int
    name: str
    number: int
    info: int
    size_or_type: int

    @property
    def kind(self) -> int:
        """The kind's number, which :class:`Kind` does not have."""
        return self.number


BtfType: TypeAlias = (
    Void | Int | Ptr | Array | Struct | Union | Enum | Fwd | Typedef | Volatile | Const
    | Restrict | Func | FuncProto | Var | Datasec | Float | DeclTag | TypeTag | Enum64 | Unknown
)  # fmt: skip
"""Any record of this module that has a type id."""

Composite: TypeAlias = Struct | Union
AnyEnum: TypeAlias = Enum | Enum64
Modifier: TypeAlias = Typedef | Volatile | Const | Restrict | TypeTag
"""What :meth:`~ebpf_static.btf.reader.Btf.resolve` steps through."""
