"""Is it there? One function for each kind of thing, each asked about one target.

All take a :class:`~ebpf_static.target.Target` or a looked-up
:class:`~ebpf_static.support.targets.Release` and return an
:class:`~ebpf_static.support.facts.Availability`. A target without a version means any supported
release. All raise :class:`~ebpf_static.errors.UnknownTargetError` for a target that is no release.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ebpf_static.errors import UsageError
from ebpf_static.findings import Confidence
from ebpf_static.support import known
from ebpf_static.support.facts import Availability, Condition, ConditionKind, Fact
from ebpf_static.support.judge import decide_attach_type, judge
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import Release, release_of
from ebpf_static.support.versions import NEWEST, key_of, version_key
from ebpf_static.target import Platform, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType


class AnyAttachType(Enum):
    """The type of :data:`ANY_ATTACH_TYPE`."""

    ANY = "any"


ANY_ATTACH_TYPE: Final = AnyAttachType.ANY
"""The attach type is not known: conditions on it are handed back, not judged."""

ZERO_ATTACH_TYPE = "CGROUP_INET_INGRESS"
"""What 0, "none given", is in the kernel's enumeration."""

BASE_CALLERS = ("SOCKET_FILTER", "XDP", "SCHED_CLS", "SK_LOOKUP", "LWT_OUT", "CGROUP_SKB")
"""Program types that have nothing in common but ``bpf_base_func_proto``."""


def map_type(map_type: MapType, where: Target | Release) -> Availability:
    """Return whether maps of ``map_type`` can be created on ``where``."""
    release = _same_platform(map_type.platform, where)
    told = release.profile.has("map_types", map_type.name) if release.profile else None
    return told or _judge(known.map_type_fact(map_type), release)


def program_type(program_type: ProgramType, where: Target | Release) -> Availability:
    """Return whether programs of ``program_type`` can be loaded on ``where``."""
    release = _same_platform(program_type.platform, where)
    told = release.profile.has("program_types", program_type.name) if release.profile else None
    return told or _judge(known.program_type_fact(program_type), release)


def attach_type(attach_type: AttachType, where: Target | Release) -> Availability:
    """Return whether ``where`` knows ``attach_type``."""
    release = _same_platform(attach_type.platform, where)
    told = release.profile.has("attach_types", attach_type.name) if release.profile else None
    return told or _judge(known.attach_type_fact(attach_type), release)


def helper(
    helper: HelperId,
    program_type: ProgramType | None,
    attach_type: AttachType | AnyAttachType | None,
    where: Target | Release,
) -> Availability:
    """Return whether programs of ``program_type`` may call ``helper`` on ``where``.

    Args:
        helper: the helper.
        program_type: the caller's type; without one, whether the helper exists at all.
        attach_type: the program's expected attach type; None is "none given", which the kernel
            reads as 0; :data:`ANY_ATTACH_TYPE` leaves conditions on it open.
        where: the target.

    Returns:
        ``unknown`` for programs whose helpers another thing decides: ``EXT`` (the replaced
        program) and, beyond what every program may call, ``STRUCT_OPS`` (the kernel structure).
    """
    return _helper(helper, program_type, attach_type, _same_platform(helper.platform, where))


@lru_cache(maxsize=8192)
def _helper(
    helper: HelperId,
    program_type: ProgramType | None,
    attach_type: AttachType | AnyAttachType | None,
    release: Release,
) -> Availability:
    if helper.per_program_type and helper.scope is None:
        note = "the meaning of this number depends on the program type"
        return Availability("unknown", confidence=Confidence.LOW, note=note)
    if release.profile:
        name = None if program_type is None else program_type.name
        told = release.profile.has_helper(helper.name, name)
        if told is not None and not _depends_on_attach_type(helper, program_type):
            return told
    existence = _judge(known.helper_fact(helper), release)
    if program_type is None or existence.status == "unavailable":
        return existence
    if program_type.platform is Platform.LINUX and program_type.name in ("EXT", "STRUCT_OPS"):
        return _helper_of_another(helper, program_type, release)
    if program_type.number == 0 or not program_type.known:
        return Availability("unknown", confidence=Confidence.LOW, note="unknown program type")
    fact = known.helper_fact(helper, program_type)
    return _judge(fact, release, decide_attach_type(_attach_name(program_type, attach_type)))


def _depends_on_attach_type(helper: HelperId, program_type: ProgramType | None) -> bool:
    """Tell whether a helper is a matter of the attach type, of which a profile asks for one."""
    fact = None if program_type is None else known.helper_fact(helper, program_type)
    kinds = (ConditionKind.ATTACH_TYPE, ConditionKind.NOT_ATTACH_TYPE)
    return fact is not None and any(it.kind in kinds for span in fact.spans for it in span.when)


def _attach_name(
    program_type: ProgramType, attach_type: AttachType | AnyAttachType | None
) -> str | None:
    """Return the attach type the kernel sees; None when conditions on it stay open."""
    if isinstance(attach_type, AnyAttachType):
        return None
    if attach_type is not None and attach_type.number:
        return attach_type.name
    row = read_table(program_type.platform, "program_types").by_name.get(program_type.name, {})
    name: str = row.get("zero_attach_type", ZERO_ATTACH_TYPE)
    return name


def _helper_of_another(
    helper: HelperId, program_type: ProgramType, release: Release
) -> Availability:
    """Return what can be said of a helper when another thing decides: every program has it."""
    answers = [
        _judge(known.helper_fact(helper, type(program_type).named(Platform.LINUX, name)), release)
        for name in BASE_CALLERS
    ]
    if all(answer.available for answer in answers):
        return answers[0].but(confidence=Confidence.MEDIUM, note="every program may call it")
    decides = "the replaced program" if program_type.name == "EXT" else "the kernel structure"
    return answers[0].but(
        status="unknown",
        since=None,
        confidence=Confidence.LOW,
        conditions=(),
        note=f"{decides} decides which helpers {program_type.name} programs may call",
    )


def struct_ops_helper(helper: HelperId, structure: str, where: Target | Release) -> Availability:
    """Return whether programs of the kernel structure ``structure`` may call ``helper``.

    Args:
        helper: the helper.
        structure: name of the structure (``tcp_congestion_ops``).
        where: the target.

    Returns:
        ``unknown`` where only the list of the newest release was read, or none.
    """
    from ebpf_static.uapi.constants import ProgramType

    program_type = ProgramType.named(Platform.LINUX, "STRUCT_OPS")
    answer = _helper_of_another(helper, program_type, release_of(where))
    if answer.available:
        return answer
    release = release_of(where)
    row = read_table(Platform.LINUX, "struct_ops").by_name.get(structure)
    if row is None or row.get("helpers_of") != release.line:
        return answer
    status = "available" if helper.name in row["helpers"] else "unavailable"
    return answer.but(status=status, confidence=Confidence.HIGH, source=row["source"], note=None)


def kfunc(
    name: str,
    program_type: ProgramType | None,
    where: Target | Release,
    attach_type: AttachType | AnyAttachType | None = ANY_ATTACH_TYPE,
) -> Availability:
    """Return whether programs of ``program_type`` may call the kernel function ``name``.

    Names no table has are ``unknown``: a module may bring them.

    Args:
        name: as the object has it.
        program_type: the caller's type; without one, whether the kernel has it at all.
        where: the target. eBPF for Windows has no kernel functions.
        attach_type: as for :func:`helper`; not given, conditions on it stay open.
    """
    release = release_of(where)
    if release.platform is Platform.WINDOWS:
        return Availability("unavailable", note="eBPF for Windows has no kfuncs of the kernel")
    fact = known.kfunc_fact(name, program_type)
    if fact is None:
        note = f"the tables know no kernel function {name}: it may be a module's"
        return Availability("unknown", confidence=Confidence.LOW, note=note)
    seen = None if program_type is None else _attach_name(program_type, attach_type)
    return judge(fact, release, decide_attach_type(seen))


def instruction(operation: str, where: Target | Release, back_end: str = "native") -> Availability:
    """Return whether ``where`` takes an operation of :mod:`ebpf_static.isa`.

    Args:
        operation: name of the operation (``gotol``).
        where: the target.
        back_end: on Windows ``native`` (bpf2c), ``jit`` or ``verifier``; no meaning on Linux.

    Raises:
        UsageError: for a back end that does not exist.
    """
    if back_end not in known.BACK_ENDS:
        raise UsageError(f"unknown back end {back_end!r}: use {', '.join(known.BACK_ENDS)}")
    release = release_of(where)
    told = release.profile.has("instructions", operation) if release.profile else None
    return told or _instruction(operation, release, back_end)


# Asked once for each operation, object and target; kept by release, as the targets linux:6.1 and
# linux:6.1.0 are equal and two releases.
@lru_cache(maxsize=8192)
def _instruction(operation: str, release: Release, back_end: str) -> Availability:
    return _judge(known.instruction_fact(operation, release.platform, back_end), release)


def isa_level(where: Target | Release) -> str:
    """Return the highest level (``v1`` to ``v4``, LLVM's ``-mcpu``) a Linux target takes whole.

    Single instructions came later than the rest of their level: ask :func:`instruction`.

    Raises:
        UsageError: for eBPF for Windows, whose back ends take instructions from several levels.
    """
    release = release_of(where)
    if release.platform is Platform.WINDOWS:
        raise UsageError("eBPF for Windows follows no instruction-set level: ask for instructions")
    levels: list[tuple[str, str]] = read_table(Platform.LINUX, "instructions").header["levels"]
    key = NEWEST if release.version is None else key_of(release.version)
    return [level for level, since in levels if version_key(since) <= key][-1]


def btf_kind(kind: str, where: Target | Release) -> Availability:
    """Return whether ``where`` takes BTF with ``kind`` (``FLOAT``) from a program.

    libbpf rewrites kinds that a kernel does not take: see
    :func:`ebpf_static.support.replacements.substitutions`.
    """
    return _btf_kind(kind, release_of(where))


@lru_cache(maxsize=1024)
def _btf_kind(kind: str, release: Release) -> Availability:
    if release.platform is Platform.WINDOWS:
        note = "eBPF for Windows reads BTF when an object is compiled or verified, not at load"
        return Availability("unknown", confidence=Confidence.LOW, note=note)
    return _judge(known.btf_kind_fact(kind), release)


def feature(name: str, where: Target | Release) -> Availability:
    """Return whether ``where`` has the feature ``name``.

    Raises:
        UsageError: when no table of the platform has a feature of that name.
    """
    return _feature(name, release_of(where))


@lru_cache(maxsize=2048)
def _feature(name: str, release: Release) -> Availability:
    fact = known.feature_fact(name, release.platform)
    if fact is None:
        raise UsageError(f"{release.platform.label} has no feature called {name!r}")
    return judge(fact, release)


def command(name: str, where: Target | Release) -> Availability:
    """Return whether ``where`` has the ``bpf(2)`` command ``name`` (``MAP_FREEZE``)."""
    release = _linux_only(where, "commands of bpf(2)")
    return _judge(known.named_fact("commands", "bpf(2) command", name), release)


def link_type(name: str, where: Target | Release) -> Availability:
    """Return whether ``where`` has links of the type ``name`` (``KPROBE_MULTI``)."""
    release = _linux_only(where, "link types")
    return _judge(known.named_fact("link_types", "link type", name), release)


def struct_ops_type(name: str, where: Target | Release) -> Availability:
    """Return whether the kernel structure ``name`` can be implemented on ``where``.

    ``unknown`` for structures no table has: a module may bring them, and the kernel's BTF knows.
    """
    release = _linux_only(where, "struct_ops types")
    fact = known.named_fact("struct_ops", "struct_ops type", name)
    if fact is None:
        note = f"the tables know no struct_ops type {name}: it may be a module's"
        return Availability("unknown", confidence=Confidence.LOW, note=note)
    return judge(fact, release)


def _linux_only(where: Target | Release, what: str) -> Release:
    release = release_of(where)
    if release.platform is Platform.WINDOWS:
        raise UsageError(f"these tables have no {what} of eBPF for Windows")
    return release


def map_flag(map_type: MapType, flag: str, where: Target | Release) -> Availability:
    """Return whether maps of ``map_type`` may be created with ``flag`` on ``where``.

    Args:
        map_type: the map's type.
        flag: the flag's name (``BPF_F_MMAPABLE``); see
            :func:`ebpf_static.support.map_creation.flag_names`.
        where: the target.
    """
    release = _same_platform(map_type.platform, where)
    if release.platform is Platform.WINDOWS:
        note = "bpf() of eBPF for Windows refuses any map flag; in an ELF they are not read"
        return Availability("unavailable", source="libs/api/bpf_syscall.cpp", note=note)
    if not map_type.known:
        return Availability("unknown", confidence=Confidence.LOW, note="unknown map type")
    return judge(known.map_flag_fact(map_type, flag), release)


def _same_platform(platform: Platform, where: Target | Release) -> Release:
    release = release_of(where)
    if release.platform is not platform:
        raise UsageError(f"a name of {platform.label} cannot be looked up for {release.label}")
    return release


def _judge(
    fact: Fact | None,
    release: Release,
    decides: Callable[[Condition], bool | None] | None = None,
) -> Availability:
    if fact is not None:
        return judge(fact, release, decides)
    note = "the tables have no such number or name up to their newest release"
    return Availability("unavailable", note=note)


def needs_sleepable(availability: Availability) -> bool:
    """Whether only sleepable programs may."""
    return availability.condition(ConditionKind.SLEEPABLE) is not None
