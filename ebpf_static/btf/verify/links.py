"""Types and what they refer to: the kernel's ``resolve`` and ``check_member`` functions.

Types are resolved in order of their ids, each with what it needs first, on a stack of bounded
depth. What ends a chain depends on what the chain started from (``env_type_is_resolve_sink``): a
pointer to a struct is the end of it, and so is a struct's member that is a pointer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    LINKAGE_GLOBAL,
    Array,
    BtfType,
    Datasec,
    DeclTag,
    Func,
    FuncProto,
    Kind,
    Ptr,
    Struct,
    Union,
    Var,
)
from ebpf_static.btf.verify.kinds import (
    BEHIND_POINTER,
    COMPOSITES,
    IN_COMPOSITE,
    MAX_ARRAY_BYTES,
    MODIFIERS,
    POINTER_BYTES,
    SIZELESS,
    SOURCES,
    TAGGED,
)
from ebpf_static.btf.verify.members import find_bad_member, is_regular
from ebpf_static.btf.verify.rules import BtfProblem, KernelRules

_RESOLVED: Final = MODIFIERS | COMPOSITES | SOURCES | {Kind.PTR, Kind.ARRAY, Kind.FUNC}
_ENDS: Final = frozenset({Kind.VOID, Kind.FWD, Kind.FUNC_PROTO})

# Tuples: a union of types would be put together anew for each of the many records asked.
_STRUCTURES: Final = (Struct, Union)
_LEFT_AT_POINTERS: Final = (Ptr, Var)

_Followed = frozenset[Kind]
"""Kinds that go on being followed, which depends on what a chain of types started from."""


class _BadLinkError(Exception):
    """A link the kernel refuses; ``args`` are the type at fault and what is wrong."""


def find_bad_link(btf: Btf, rules: KernelRules, *, by_loader: bool) -> BtfProblem | None:
    """Return the first type that refers to what it must not; records must be sound."""
    checker = _Links(btf, rules, by_loader=by_loader)
    try:
        for type_id in range(btf.start_id, len(btf)):
            checker.check(type_id)
    except _BadLinkError as error:
        return BtfProblem(*error.args)
    return None


class _Links:
    """The state of one verification."""

    def __init__(self, btf: Btf, rules: KernelRules, *, by_loader: bool) -> None:
        self._btf = btf
        self._kinds = [btf.kind(type_id) for type_id in range(len(btf))]
        self._rules = rules
        self._by_loader = by_loader
        self._done: set[int] = set()
        self._concrete: dict[int, int] = {}
        self._array_sizes: dict[int, int] = {}

    def check(self, type_id: int) -> None:
        """Resolve a type and check it."""
        if self._kinds[type_id] in _RESOLVED:
            self._resolve(type_id)
        record = self._btf.type(type_id)
        if isinstance(record, FuncProto):
            self._check_prototype(record)

    def _resolve(self, start: int) -> None:
        """Check ``start`` and everything it needs, innermost first."""
        if start in self._done:
            return
        mode = _mode_after(_RESOLVED, self._kinds[start])
        stack = [(start, self._needs(start, mode))]
        active = {start}
        while stack:
            current, needs = stack[-1]
            following = next(needs, None)
            if following is None:
                self._finish(current)
                active.discard(current)
                stack.pop()
                continue
            if len(stack) == self._rules.depth:
                raise _BadLinkError(start, f"it nests types more than {self._rules.depth} deep")
            if following in active:
                raise _BadLinkError(start, "it refers to itself in a loop")
            mode = _mode_after(mode, self._kinds[following])
            active.add(following)
            stack.append((following, self._needs(following, mode)))

    def _needs(self, type_id: int, mode: _Followed) -> Iterator[int]:
        """Yield the types to resolve before this one, checking what they are."""
        record = self._btf.type(type_id)
        for target in self._targets(record):
            kind = self._kinds[target]
            if kind in mode and target not in self._done:
                yield target
            if isinstance(record, _LEFT_AT_POINTERS) and kind in MODIFIERS:
                # The modifier may have been left at a pointer when a struct needed it.
                concrete = self._find_concrete(target)
                kind = self._kinds[concrete]
                if kind == Kind.PTR and kind in mode and concrete not in self._done:
                    yield concrete

    def _targets(self, record: BtfType) -> Iterator[int]:
        """Yield what a type refers to, each checked for what it may be."""
        if isinstance(record, Array):
            for word, target in (("index", record.index_type_id), ("element", record.type_id)):
                self._demand(record, target, not self._lacks_size(target), f"{word} type")
                yield target
        elif isinstance(record, _STRUCTURES):
            for number, member in enumerate(record.members):
                sized = not self._lacks_size(member.type_id)
                self._demand(record, member.type_id, sized, f"type of member {number}")
                yield member.type_id
        elif isinstance(record, Datasec):
            for number, var in enumerate(record.vars):
                kinds = {Kind.VAR, Kind.FUNC} if self._by_loader else {Kind.VAR}
                fits = self._kind(var.type_id) in kinds
                self._demand(record, var.type_id, fits, f"variable {number}")
                yield var.type_id
        else:
            target = _target_of(record)
            kind = self._kind(target)
            fits = kind is not None and kind not in SOURCES
            if isinstance(record, DeclTag):
                fits = kind in TAGGED
            elif isinstance(record, Func):
                fits = kind == Kind.FUNC_PROTO
            self._demand(record, target, fits, "type")
            yield target

    def _finish(self, type_id: int) -> None:
        """Check a type whose parts are resolved."""
        record = self._btf.type(type_id)
        if isinstance(record, Array):
            self._check_array(record)
        elif isinstance(record, _STRUCTURES):
            problem = find_bad_member(self._btf, record, self._find_concrete, self.size_of)
            if problem is not None:
                raise _BadLinkError(type_id, problem)
        elif isinstance(record, Datasec):
            self._check_section(record)
        elif isinstance(record, DeclTag):
            self._check_tag(record)
        elif isinstance(record, Func):
            self._check_function(record)
        elif isinstance(record, Var):
            fits = self._is_mended(record) or self.has_size(record.type_id)
            self._demand(record, record.type_id, fits, "type")
        else:
            target = self._find_concrete(_target_of(record))
            kind = self._kinds[target]
            # A function counts as its prototype once that is known.
            ends = kind in _ENDS or (kind == Kind.FUNC and target in self._done)
            self._demand(record, target, ends or self.has_size(target), "type")
        self._done.add(type_id)

    def _check_array(self, record: Array) -> None:
        index = self._btf.type(self._find_concrete(record.index_type_id))
        self._demand(record, record.index_type_id, is_regular(index), "index type")
        self._demand(record, record.type_id, self.has_size(record.type_id), "element type")
        element = self._btf.type(self._find_concrete(record.type_id))
        fits = element.kind != Kind.INT or is_regular(element)
        self._demand(record, record.type_id, fits, "element type")
        size = self.size_of(record.type_id) * record.nelems
        if size > MAX_ARRAY_BYTES:
            raise _BadLinkError(record.id, "an array of 4 GiB or more")
        self._array_sizes[record.id] = size

    def _check_section(self, record: Datasec) -> None:
        for number, var in enumerate(record.vars):
            variable = self._btf.type(var.type_id)
            if not isinstance(variable, Var) or self._is_mended(variable):
                continue
            fits = self.has_size(variable.type_id)
            self._demand(record, variable.type_id, fits, f"type of variable {number}")
            if var.size < self.size_of(variable.type_id):
                what = f"variable {number} has {var.size} bytes, its type has more"
                raise _BadLinkError(record.id, what)

    def _check_tag(self, record: DeclTag) -> None:
        if record.component_idx == -1:
            return
        target = self._btf.type(record.type_id)
        count = 0
        if isinstance(target, _STRUCTURES):
            count = len(target.members)
        elif isinstance(target, Func):
            count = self._btf.vlen(target.type_id)
        if record.component_idx >= count:
            raise _BadLinkError(record.id, f"it tags component {record.component_idx} of {count}")

    def _check_function(self, record: Func) -> None:
        prototype = self._btf.type(record.type_id)
        if not isinstance(prototype, FuncProto) or (
            self._by_loader and record.linkage > LINKAGE_GLOBAL
        ):
            return
        for number, parameter in enumerate(prototype.params, 1):
            if not parameter.name and parameter.type_id:
                raise _BadLinkError(record.id, f"parameter {number} has no name")

    def _check_prototype(self, record: FuncProto) -> None:
        parameters = record.params
        if parameters and not parameters[-1].type_id:
            if parameters[-1].name:
                raise _BadLinkError(record.id, f"parameter {len(parameters)} has no type")
            parameters = parameters[:-1]
        if record.type_id:
            self._check_passed(record, record.type_id, "return type")
        for number, parameter in enumerate(parameters, 1):
            known = self._kind(parameter.type_id) is not None
            self._demand(record, parameter.type_id, known, f"type of parameter {number}")
            if parameter.name and not self._rules.takes_name(parameter.name):
                raise _BadLinkError(record.id, f"the name of parameter {number} is no identifier")
            self._check_passed(record, parameter.type_id, f"type of parameter {number}")

    def _check_passed(self, record: FuncProto, type_id: int, word: str) -> None:
        known = self._kind(type_id) is not None
        self._demand(record, type_id, known, word)
        if self._kinds[type_id] in _RESOLVED:
            self._resolve(type_id)
        self._demand(record, type_id, self.has_size(type_id), word)

    def _is_mended(self, record: Func | Var) -> bool:
        """Tell whether libbpf replaces a declaration: it names parameters, types variables int."""
        return self._by_loader and record.linkage > LINKAGE_GLOBAL

    def _kind(self, type_id: int) -> int | None:
        return self._kinds[type_id] if type_id < len(self._kinds) else None

    def _lacks_size(self, type_id: int) -> bool:
        kind = self._kind(type_id)
        return kind is None or kind in SIZELESS or kind in SOURCES

    def _find_concrete(self, type_id: int) -> int:
        """Return what modifiers and variables lead to; the chain is known to end."""
        current = type_id
        for _ in range(self._rules.depth + 1):
            known = self._concrete.get(current)
            if known is not None:
                current = known
                break
            kind = self._kinds[current]
            if kind not in MODIFIERS and kind != Kind.VAR:
                break
            current = _target_of(self._btf.type(current))
        self._concrete[type_id] = current
        return current

    def has_size(self, type_id: int) -> bool:
        """Tell whether a resolved type takes up memory."""
        return self._kinds[self._find_concrete(type_id)] not in SIZELESS

    def size_of(self, type_id: int) -> int:
        """Return the bytes a resolved type takes."""
        record = self._btf.type(self._find_concrete(type_id))
        if isinstance(record, Array):
            # Behind a pointer it may not be resolved yet, which the kernel takes for 0.
            return self._array_sizes.get(record.id, 0)
        size: int = POINTER_BYTES if isinstance(record, Ptr) else getattr(record, "size", 0)
        return size

    def _demand(self, record: BtfType, target: int, fits: object, word: str) -> None:
        if not fits:
            raise _BadLinkError(record.id, f"{self._describe(target)} is no {word}")

    def _describe(self, type_id: int) -> str:
        kind = self._kind(type_id)
        if kind is None:
            return f"type {type_id}, which does not exist,"
        return f"type {type_id}, a {Kind(kind).name}," if kind else "void"


def _target_of(record: BtfType) -> int:
    target: int = getattr(record, "type_id", 0)
    return target


def _mode_after(mode: _Followed, kind: int) -> _Followed:
    if mode is not _RESOLVED:
        return mode
    if kind == Kind.PTR:
        return BEHIND_POINTER
    return IN_COMPOSITE if kind in COMPOSITES or kind == Kind.ARRAY else mode
