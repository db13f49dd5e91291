"""Whether what programs attach to exists on a kernel: a separate question from whether they load.

A kprobe loads whatever its section names, and fails when it is attached; a tracepoint program
likewise. The kernel's BTF answers for functions, tracepoints, LSM hooks and iterators, as far as
it lists them; lists of symbols and tracepoints, taken from a running kernel, answer for the rest.

Sources: libbpf ``src/libbpf.c`` (``attach_kprobe``, ``attach_ksyscall``, ``attach_tp``,
``attach_raw_tp``); Linux ``include/trace/trace_events.h`` and ``include/trace/bpf_probe.h`` for the
types that tracepoints leave in BTF.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.kernel.attach import find_target
from ebpf_static.kernel.hooks import AttachList, is_listed
from ebpf_static.kernel.opening import open_kernel, open_release
from ebpf_static.kernel.struct_ops import StructureProblem, find_structure, iter_members
from ebpf_static.kernel.struct_ops import structure_name as name_of_structure
from ebpf_static.kernel.view import Kernel
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, attach_type, program_rules
from ebpf_static.target import Target

_MAX_PATTERN_NAMES: Final = 1 << 20
"""Functions a pattern is held against; kernels have some 60 000."""

_BTF_KINDS: Final = {
    "TRACE_RAW_TP": "tracepoint",
    "LSM_MAC": "LSM hook",
    "LSM_CGROUP": "LSM hook",
    "TRACE_ITER": "iterator",
}


class Existence(StrEnum):
    """Whether something exists."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Symbols:
    """What a running kernel says of itself beside its BTF.

    Attributes:
        functions: names in ``/proc/kallsyms`` (or ``available_filter_functions``); None: not known.
        tracepoints: ``category/name`` of every event below ``/sys/kernel/tracing/events``; None:
            not known.
    """

    functions: frozenset[str] | None = None
    tracepoints: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class AttachPoint:
    """What one program attaches to, and what it takes to load it.

    Attributes:
        program: the program.
        kind: what sort of thing it is (``kernel function``, ``tracepoint``, ``LSM hook`` …).
        name: its name, as the section has it; None where the section names none.
        exists: whether the kernel has it.
        reason: how that is known, or why it is not.
        capabilities: what the loading process needs; empty for programs that need none unless
            ``kernel.unprivileged_bpf_disabled`` is set, and ``CAP_BPF`` (``CAP_SYS_ADMIN`` before
            Linux 5.8) then.
    """

    program: str
    kind: str
    name: str | None
    exists: Existence
    reason: str
    capabilities: tuple[str, ...] = field(default=())


def attach_points(
    spec: CollectionSpec, target: Target, symbols: Symbols | None = None
) -> tuple[AttachPoint, ...]:
    """Return what each program of an object attaches to on a target, in the object's order.

    Args:
        spec: the object.
        target: a Linux release, with the kernel's BTF where known.
        symbols: what a running kernel of it says beside its BTF.

    Raises:
        UnknownTargetError: the target is no release.
        UsageError: its BTF or configuration cannot be read.
    """
    release = open_release(target)
    finder = _Finder(spec, open_kernel(target, release), release, symbols or Symbols())
    return tuple(finder.point(program) for program in spec.programs)


Answer = tuple[str, Existence, str]


class _Finder:
    """Looks attach points up for the programs of one object."""

    def __init__(
        self, spec: CollectionSpec, kernel: Kernel, release: Release, symbols: Symbols
    ) -> None:
        self._spec = spec
        self._btf: Sequence[Btf] = kernel.btf
        self._release = release
        self._machine = kernel.machine
        self._symbols = symbols
        self._by_pattern: dict[str, Callable[[ProgramSpec, str], Answer]] = {
            "kprobe": self._function,
            "kretprobe": self._function,
            "ksyscall": self._syscall,
            "kretsyscall": self._syscall,
            "kprobe.multi": self._functions,
            "kretprobe.multi": self._functions,
            "kprobe.session": self._functions,
            "tp": self._event,
            "tracepoint": self._event,
            "raw_tp": self._tracepoint,
            "raw_tracepoint": self._tracepoint,
        }

    def point(self, program: ProgramSpec) -> AttachPoint:
        """Return what a program attaches to."""
        kind, exists, reason = self._answer(program)
        rules = program_rules(program.type, self._release)
        capabilities = () if rules is None else rules.capabilities
        return AttachPoint(program.name, kind, program.attach_to, exists, reason, capabilities)

    def _answer(self, program: ProgramSpec) -> Answer:
        name = program.type.name
        if program.type.number == 0:
            return "unknown", Existence.UNKNOWN, "the section names no program type"
        if name == "STRUCT_OPS":
            return self._structure(program)
        if name == "EXT":
            why = "what it replaces is a function of another program, which its loader names"
            return "program", Existence.UNKNOWN, why
        look = self._by_pattern.get(program.section.partition("/")[0].removesuffix(".s"))
        bare = name.removesuffix("_WRITABLE") == "RAW_TRACEPOINT"
        look = self._tracepoint if bare else look
        if look is not None or name in ("TRACING", "LSM"):
            if not program.attach_to:
                why = "the section names none: the object's loader chooses"
                return _BTF_KINDS.get(_attach(program), "kernel function"), Existence.UNKNOWN, why
            return (look or self._btf_target)(program, program.attach_to)
        if name == "KPROBE":
            why = "it is in a file of user space, which the kernel looks at when attaching"
            return "user-space function", Existence.UNKNOWN, why
        return self._by_attach_type(program)

    def _has(self, name: str, kind: Kind) -> bool:
        return any(btf.find(name, kind) is not None for btf in self._btf)

    def _function(self, program: ProgramSpec, name: str) -> Answer:
        del program
        what = "kernel function"
        function = name.partition("+")[0]
        if self._symbols.functions is not None:
            known = function in self._symbols.functions
            found = "has" if known else "does not have"
            return what, _yes(known), f"the kernel's list of symbols {found} `{function}`"
        if not self._btf:
            return what, Existence.UNKNOWN, "the kernel's BTF is not known"
        if self._has(function, Kind.FUNC):
            return what, Existence.YES, f"the kernel's BTF has the function `{function}`"
        why = f"the kernel's BTF has no function `{function}`, but lists only part of them"
        return what, Existence.UNKNOWN, why

    def _syscall(self, program: ProgramSpec, name: str) -> Answer:
        if self._machine.syscall_prefix is None:
            why = f"what functions of system calls are called on {self._machine.name} is not known"
            return "system call", Existence.UNKNOWN, why
        _, exists, reason = self._function(program, self._machine.syscall_prefix + name)
        return "system call", exists, reason

    def _functions(self, program: ProgramSpec, pattern: str) -> Answer:
        if not set(pattern) & set("*?"):
            return self._function(program, pattern)
        what = "kernel functions"
        names = self._symbols.functions
        if names is not None:
            known = any(fnmatchcase(name, pattern) for name in names)
            return what, _yes(known), f"the kernel's list of symbols is held against `{pattern}`"
        budget = _MAX_PATTERN_NAMES
        for btf in self._btf:
            for type_id in btf.iter_ids(Kind.FUNC):
                budget -= 1
                if fnmatchcase(btf.name(type_id), pattern):
                    why = f"the kernel's BTF has `{btf.name(type_id)}`"
                    return what, Existence.YES, why
                if budget <= 0:
                    break
        return what, Existence.UNKNOWN, f"no function in BTF is like `{pattern}`, as far as known"

    def _event(self, program: ProgramSpec, name: str) -> Answer:
        what = "tracepoint"
        if self._symbols.tracepoints is not None:
            known = name in self._symbols.tracepoints
            found = "has" if known else "does not have"
            return what, _yes(known), f"the kernel's list of events {found} `{name}`"
        category, _, event = name.partition("/")
        if category == "syscalls":
            call = event.removeprefix("sys_enter_").removeprefix("sys_exit_")
            return self._syscall(program, call)
        if category == "ftrace" or event.endswith("_tp"):
            # Events without a tracepoint, and tracepoints that are no event.
            return what, Existence.UNKNOWN, f"whether `{name}` is an event is not in BTF"
        return self._tracepoint(program, event or category)

    def _tracepoint(self, program: ProgramSpec, name: str) -> Answer:
        del program
        what = "tracepoint"
        if not self._btf:
            return what, Existence.UNKNOWN, "the kernel's BTF is not known"
        if self._has(f"btf_trace_{name}", Kind.TYPEDEF):
            return what, Existence.YES, f"the kernel's BTF has `btf_trace_{name}`"
        if not self._has("btf_trace_sched_switch", Kind.TYPEDEF):
            # Kernels before 5.5 have no such types, only those of the classes of events.
            record = f"trace_event_raw_{name}"
            exists = Existence.YES if self._has(record, Kind.STRUCT) else Existence.UNKNOWN
            return (
                what,
                exists,
                f"the kernel's BTF lists no tracepoints, records as `{record}` only",
            )
        return what, Existence.NO, f"the kernel's BTF has no tracepoint `{name}`"

    def _btf_target(self, program: ProgramSpec, name: str) -> Answer:
        what = _BTF_KINDS.get(_attach(program), "kernel function")
        if what == "LSM hook":
            for which in (AttachList.DISABLED, AttachList.NO_HOOK):
                if is_listed(which, name, self._release.version):
                    return what, Existence.NO, f"the kernel keeps `{name}` from programs"
        if not self._btf:
            return what, Existence.UNKNOWN, "the kernel's BTF is not known"
        if set(name) & set("*?"):
            return self._functions(program, name)
        found = find_target(program, self._btf)
        if found is None:
            return what, Existence.NO, f"the kernel's BTF has no {what} `{name}`"
        return what, Existence.YES, f"the kernel's BTF has `{found.name}`"

    def _structure(self, program: ProgramSpec) -> Answer:
        what = "structure of callbacks"
        for item, member in iter_members(self._spec, program):
            name = name_of_structure(self._spec, item)
            if name is None:
                continue
            if not self._btf:
                return what, Existence.UNKNOWN, "the kernel's BTF is not known"
            kernel = find_structure(name, self._btf)
            if isinstance(kernel, StructureProblem):
                return what, Existence.NO, f"it is for {kernel.what}"
            known = any(it.name == member for it in kernel.record.members)
            return what, _yes(known), f"it is for `{member}` of `struct {name}`"
        return what, Existence.NO, "no structure of the object names it"

    def _by_attach_type(self, program: ProgramSpec) -> Answer:
        what = "hook"
        if program.attach_type is None or not program.attach_type.number:
            return what, Existence.YES, f"{program.type.name} programs attach where they are told"
        answer = attach_type(program.attach_type, self._release)
        name = program.attach_type.name
        if answer.status == "unknown":
            return what, Existence.UNKNOWN, f"whether the release has {name} is not known"
        if answer.available:
            return what, Existence.YES, f"{name} exists since {answer.since or 'long ago'}"
        since = f", which Linux has since {answer.since}" if answer.since else ""
        return what, Existence.NO, f"{self._release.label} has no {name}{since}"


def _attach(program: ProgramSpec) -> str:
    return program.attach_type.name if program.attach_type else ""


def _yes(known: bool) -> Existence:  # noqa: FBT001 - turns one word for it into another
    return Existence.YES if known else Existence.NO
