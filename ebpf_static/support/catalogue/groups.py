"""Which groups the tables have, and what is in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from ebpf_static.errors import UsageError
from ebpf_static.support import known
from ebpf_static.support.facts import Condition, ConditionKind, Fact, Span
from ebpf_static.support.tables import Row, Table, has_table, read_table
from ebpf_static.support.versions import version_key
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

if TYPE_CHECKING:
    from ebpf_static.uapi.constants import UapiConstant

PLATFORMS = (Platform.LINUX, Platform.WINDOWS)


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of thing the tables know.

    Attributes:
        name: as people ask for it (``map-types``).
        noun: one of it in words (``map type``).
        summary: what is in it, in a few words.
        table: the file its rows are in.
        aliases: other names people try.
        judged: whether its entries can be asked about for a target.
    """

    name: str
    noun: str
    summary: str
    table: str
    aliases: tuple[str, ...] = ()
    judged: bool = True

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that have it."""
        return tuple(platform for platform in PLATFORMS if has_table(platform, self.table))


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing on one platform.

    Attributes:
        group: what it is.
        platform: whose.
        name: as the tables have it (``RINGBUF``).
        spelling: as C has it (``BPF_MAP_TYPE_RINGBUF``).
        number: its number, of a flag its value; None for what has none.
        facts: where it exists; by back end for instructions of eBPF for Windows, else under ``""``.
        row: the table's row.
        about: what else is worth a column, in words.
        constant: the constant it is, of types and helpers.
    """

    group: Group
    platform: Platform
    name: str
    spelling: str
    number: int | None
    facts: dict[str, Fact]
    row: Row = field(repr=False)
    about: str = ""
    constant: UapiConstant | None = field(default=None, repr=False)

    @property
    def source(self) -> str:
        """Who says so: a commit, or repository and path."""
        source: str = self.row["source"]
        return source

    @property
    def words(self) -> tuple[str, str]:
        """What it is called, in folded case."""
        return (self.name.casefold(), self.spelling.casefold())

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is its name or spelling, in any case."""
        return name.casefold() in self.words


GROUPS = (
    Group("map-types", "map type", "map types, their sizes and flags", "map_types"),
    Group("map-flags", "map flag", "flags of map creation, by map type", "map_types"),
    Group(
        "program-types", "program type", "program types and what loading one needs", "program_types"
    ),
    Group("program-flags", "program flag", "flags of program load", "limits"),
    Group("attach-types", "attach type", "attach types and their program types", "attach_types"),
    Group("helpers", "helper", "helpers, and the program types that may call them", "helpers"),
    Group("kfuncs", "kernel function", "kernel functions programs may call", "kfuncs"),
    Group("link-types", "link type", "types of links", "link_types"),
    Group("struct-ops", "struct_ops type", "kernel structures programs implement", "struct_ops"),
    Group("commands", "bpf(2) command", "commands of bpf(2)", "commands"),
    Group(
        "instructions", "instruction", "operations of the instruction set", "instructions",
        ("isa", "insns"),
    ),
    Group("btf-kinds", "BTF kind", "kinds of BTF the kernel takes", "btf_kinds", ("btf",)),
    Group("features", "feature", "features of verifier, kernel and runtime", "features"),
    Group("jit-hooks", "JIT hook", "what just-in-time compilers support", "jit_hooks", ("jit",)),
    Group("limits", "limit", "limits: program length, stack, names …", "limits"),
    Group(
        "libbpf", "substitution", "what libbpf does where a kernel lacks something", "libbpf",
        judged=False,
    ),
    Group(
        "distributions", "distribution", "distributions that can be targets", "distributions",
        judged=False,
    ),
)  # fmt: skip
"""In the order they are shown."""

_ONLY_LINUX = ("map-flags", "program-flags")
_CONSTANTS: dict[str, tuple[type[UapiConstant], Callable[..., Fact | None]]] = {
    "map-types": (MapType, known.map_type_fact),
    "program-types": (ProgramType, known.program_type_fact),
    "attach-types": (AttachType, known.attach_type_fact),
    "helpers": (HelperId, known.helper_fact),
}


@cache
def entries(group: Group, platform: Platform) -> tuple[Entry, ...]:
    """Return what ``platform`` has in ``group``, in the order of the table."""
    if platform not in group.platforms or (
        group.name in _ONLY_LINUX and platform is not Platform.LINUX
    ):
        return ()
    table = read_table(platform, group.table)
    if group.name in _CONSTANTS:
        return tuple(_constants(group, table))
    return tuple(_MAKERS.get(group.name, _named)(group, table))


def find_group(text: str) -> Group:
    """Return the group called ``text``: its name, in the singular too, with ``-`` or ``_``.

    Raises:
        UsageError: there is none; the message has near ones.
    """
    wanted = text.casefold().replace("_", "-")
    for group in GROUPS:
        if wanted in (group.name, group.name.removesuffix("s"), *group.aliases):
            return group
    for group in GROUPS:
        if any(text in (it.name, it.spelling) for it in _all(group)):
            hint = f"did you mean '{group.name} {text}'?"
            raise UsageError(f"no group of the support tables is called {text!r}: {hint}")
    near = get_close_matches(wanted, [group.name for group in GROUPS], n=1)
    names = ", ".join(group.name for group in GROUPS)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {names}"
    raise UsageError(f"no group of the support tables is called {text!r}: {hint}")


def find_entries(
    group: Group, names: Sequence[str], platforms: Iterable[Platform] = PLATFORMS
) -> tuple[Entry, ...]:
    """Return the entries some names mean, all of them without a name.

    Args:
        group: where to look.
        names: each a name or spelling in any case, else what names begin with, else a pattern
            with ``*`` and ``?``.
        platforms: whose.

    Raises:
        UsageError: nothing is called so; the message has near names.
    """
    wanted = tuple(platforms)
    every = [it for platform in wanted for it in entries(group, platform)]
    if not names:
        return tuple(every)
    for name in names:
        _refuse_elsewhere(group, name, wanted)
    chosen = {it for name in names for it in _matching(group, name, every)}
    return tuple(it for it in every if it in chosen)


def _refuse_elsewhere(group: Group, name: str, wanted: Sequence[Platform]) -> None:
    """Say of what only the other platform has that this one has not."""
    having = {it.platform for it in _all(group) if it.is_called(name)}
    if having and having.isdisjoint(wanted):
        here, there = wanted[0].label, having.pop().label
        raise UsageError(f"{here} has no {group.noun} called {name!r}; {there} has")


def _matching(group: Group, name: str, every: Sequence[Entry]) -> list[Entry]:
    text = name.casefold()
    for test in (str.__eq__, str.startswith, fnmatchcase):
        found = [it for it in every if any(test(word, text) for word in it.words)]
        if found:
            return found
    words = {word for it in every for word in it.words}
    near = get_close_matches(text, sorted(words), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"'features {group.name}' lists them"
    raise UsageError(f"no {group.noun} in the support tables is called {name!r}: {hint}")


def _all(group: Group) -> Iterator[Entry]:
    for platform in PLATFORMS:
        yield from entries(group, platform)


# --- what each group's rows say ------------------------------------------------------------------


def _constants(group: Group, table: Table) -> Iterator[Entry]:
    kind, find_fact = _CONSTANTS[group.name]
    for constant in kind.members(table.platform):
        fact = find_fact(constant)
        if fact is None or not fact.spans:
            continue  # the zero that every enumeration begins with
        scope = getattr(constant, "scope", None)
        row = table.by_name[f"{scope.name}.{constant.name}" if scope else constant.name]
        spelling = constant.uapi.replace("BPF_FUNC_", "bpf_")
        about = f"of {scope.name} programs" if scope else _about(row)
        yield Entry(
            group, table.platform, constant.name, spelling, constant.number, {"": fact}, row,
            about, constant,
        )  # fmt: skip


def _about(row: Row) -> str:
    types = row.get("program_types", ())
    if isinstance(types, dict):
        return "any program" if "*" in types else " ".join(types)
    if types and isinstance(types[0], str):
        return " ".join(types)
    for key in ("what", "meaning", "provider", "note"):
        if key in row:
            return str(row[key])
    return ""


def _named(group: Group, table: Table) -> Iterator[Entry]:
    for row in table.rows:
        backports = row.get("backports", ())
        fact = table.fact(group.noun, row, backports=backports)
        about = _about(row)
        if "cpu" in row:
            about = f"level {row['cpu']}" + (f", LLVM {row['llvm']}" if "llvm" in row else "")
        facts = {"": fact}
        if table.platform is Platform.WINDOWS and group.name == "instructions":
            facts = {end: table.fact(group.noun, row, table.spans(row, end))
                     for end in known.BACK_ENDS}  # fmt: skip
        yield Entry(
            group, table.platform, row["name"], row["name"], row.get("number"), facts, row, about
        )


def _map_flags(group: Group, table: Table) -> Iterator[Entry]:
    for name, bit in table.header["flags"].items():
        takers = [
            (since, row["name"])
            for row in table.rows
            for flag, since in row.get("flags", ())
            if flag == name
        ]
        takers.sort(key=lambda it: version_key(it[0]))
        spans = (Span(takers[0][0]),) if takers else ()
        source = table.header["source"][1]
        fact = Fact(group.noun, name, table.platform, spans, source)
        row = {"name": name, "source": source, "takers": takers}
        about = " ".join(type_name for _, type_name in takers)
        yield Entry(group, table.platform, name, name, 1 << bit, {"": fact}, row, about)


def _program_flags(group: Group, table: Table) -> Iterator[Entry]:
    for name, value, since in table.header["program_flags"]:
        row = {"name": name, "source": table.header["source"][0]}
        fact = Fact(group.noun, name, table.platform, (Span(since),), row["source"])
        yield Entry(group, table.platform, name, name, value, {"": fact}, row)


def _jit_hooks(group: Group, table: Table) -> Iterator[Entry]:
    for row in table.rows:
        places = sorted(row["architectures"].items())
        first = min((since for _, since in places), key=version_key)
        names = tuple(f"{name}:{since}" for name, since in places)
        span = Span(first, when=(Condition(ConditionKind.ARCH, names),))
        fact = table.fact(group.noun, row, (span,))
        yield Entry(
            group, table.platform, row["name"], row["name"], None, {"": fact}, row, _about(row)
        )


def _limits(group: Group, table: Table) -> Iterator[Entry]:
    for row in table.rows:
        steps = [
            f"{'none' if value is None else value} since {since}" for since, value in row["values"]
        ]
        fact = table.fact(group.noun, row, (Span(row["values"][0][0]),))
        about = f"{row['unit']}: {', '.join(steps)}"
        yield Entry(group, table.platform, row["name"], row["name"], None, {"": fact}, row, about)


def _plain(group: Group, table: Table) -> Iterator[Entry]:
    for row in table.rows:
        about = row.get("what") or "; ".join(
            (f"kernel {row['kernel']}, judged as Linux {row['level']}", *_some(row.get("note")))
        )
        yield Entry(group, table.platform, row["name"], row["name"], None, {}, row, about)


def _some(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


_MAKERS: dict[str, Callable[[Group, Table], Iterator[Entry]]] = {
    "map-flags": _map_flags,
    "program-flags": _program_flags,
    "jit-hooks": _jit_hooks,
    "limits": _limits,
    "libbpf": _plain,
    "distributions": _plain,
}
