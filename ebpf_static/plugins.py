"""The contracts a third party implements: a rule, and what it is given to judge by."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from ebpf_static.findings import Confidence, Finding, Location, Severity
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec
from ebpf_static.target import ObjectLoader, Platform, Target

if TYPE_CHECKING:
    from ebpf_static.kernel import Kernel, View
    from ebpf_static.support.targets import Release

_CODE = re.compile(r"[A-Z]{2,3}\d{3}\Z")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+\Z")
_HEADINGS = ("What it does", "Why it matters", "Example", "How to fix", "References")


class Stage(StrEnum):
    """When a loader would trip over what a rule finds."""

    OPEN = "open"
    """The object cannot be opened: there is no program to speak of."""
    OBJECT = "object"
    """Opening works, loading any of its programs does not: a map, BTF, the object's own data."""
    PROGRAM = "program"
    """The programs concerned cannot be loaded; others can."""
    ALONE = "alone"
    """The programs concerned cannot be loaded without others of the object. That is no defect,
    so such a finding is a note: it stops nothing but a program loaded by itself."""


class Step(IntEnum):
    """How far loading gets before it trips over what a rule finds: reasons are told in this order.

    Source: libbpf ``src/libbpf.c``: ``bpf_object_prepare``, ``bpf_object_load_prog``; Linux
    ``kernel/bpf/syscall.c``: ``bpf_prog_load``; ``kernel/bpf/verifier.c``: ``bpf_check``.
    """

    OPEN = 0
    """Sections and symbols are read."""
    OPEN_EXTERNS = 2
    """Undefined symbols are told apart."""
    OPEN_MAPS = 4
    """Definitions of maps are read."""
    OPEN_CODE = 6
    """Relocations of code and map values are read."""
    BYTE_ORDER = 10
    """The object is found to be for another machine."""
    EXTERNS = 20
    """Configuration values, kernel functions and variables are looked up."""
    STRUCT_OPS = 30
    """Structures of callbacks are matched with the kernel's."""
    RELOCATE = 40
    """Code is relocated, CO-RE included."""
    BTF = 50
    """Type information is given to the kernel."""
    MAPS = 60
    """Maps are created."""
    PREPARE = 70
    """The loader settles a program's type and attach target."""
    PROGRAM = 75
    """The kernel looks at the program's size, type, flags and target."""
    STRUCTURE = 80
    """The verifier reads every instruction once and follows control flow."""
    CODE = 85
    """The verifier simulates the program."""
    STACK = 90
    """The verifier adds up stack and calls."""
    FILL = 95
    """What was loaded is put into maps."""


class RuleStatus(StrEnum):
    """Where a rule is in its life; codes are never used again."""

    PREVIEW = "preview"
    STABLE = "stable"
    DEPRECATED = "deprecated"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule is given beside the spec.

    Attributes:
        object_name: name of the object as the user gave it, for locations. No judgement may depend
            on it, but for the ending of a native image's name (what follows the last dot): what
            is byte for byte the same is judged once, and the answer may be kept.
        target: platform (and release) to judge for; None when the user named none.
        release: the target looked up in the support tables; None without a target.
        kernel: what is known of the target kernel; None without one.
        assume_setup: judge as if the object's own loader had given a size to maps that have none.
        loader: the library the object is loaded with on Linux.
        cache: what rules work out once for all of them, by key; for one object and target.
    """

    object_name: str
    target: Target | None = None
    release: Release | None = None
    kernel: Kernel | None = None
    assume_setup: bool = True
    loader: ObjectLoader = field(default_factory=ObjectLoader)
    cache: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def platform(self) -> Platform | None:
        """The platform asked for, None when the user named none."""
        return self.target.platform if self.target else None

    def judged_platform(self, spec: CollectionSpec) -> Platform:
        """The platform to judge by: the one asked for, else the object's own numbering."""
        return self.platform or spec.numbering

    def view(self, spec: CollectionSpec) -> View:
        """Return the object as the target kernel sees it, worked out once for all rules."""
        known: View | None = self.cache.get(("view", id(spec)))
        if known is None:
            from ebpf_static.kernel import View  # a check that follows no code does not pay for it

            known = self.cache["view", id(spec)] = View(spec, self.kernel)
        return known


@dataclass(frozen=True, slots=True)
class RuleMeta:
    """A rule's identity, taken from its class once.

    Attributes:
        code: ``MAP101``.
        name: kebab-case; reads as "ignore <name>" and names the problem.
        severity: default severity.
        summary: first line of the docstring.
        explanation: the whole docstring: the rule's page.
        since: version that introduced it.
        status: where it is in its life.
        platforms: platforms it can judge for.
        release_only: it judges one release, and says nothing when none is named.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    explanation: str
    since: str
    status: RuleStatus = RuleStatus.STABLE
    platforms: tuple[Platform, ...] = (Platform.LINUX, Platform.WINDOWS)
    release_only: bool = False


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule that can be listed and selected without being imported.

    A package of many rules lists entries instead of classes, so that a run imports only the rules
    it needs.

    Attributes:
        code: as in :class:`RuleMeta`, like the fields that follow.
        name: kebab-case name.
        severity: default severity.
        status: where it is in its life.
        platforms: platforms it can judge for.
        module: module that defines it.
        class_name: its class there.
        release_only: as in :class:`RuleMeta`; such a rule is not imported for nothing.
    """

    code: str
    name: str
    severity: Severity
    status: RuleStatus
    platforms: tuple[Platform, ...]
    module: str
    class_name: str
    release_only: bool = False

    def load(self) -> type[Rule]:
        """Import and return the rule's class."""
        found: type[Rule] = getattr(import_module(self.module), self.class_name)
        return found

    @classmethod
    def of(cls, rule: type[Rule]) -> RuleEntry:
        """Return the entry of a class that is there already."""
        meta = rule.meta
        return cls(
            meta.code, meta.name, meta.severity, meta.status, meta.platforms, rule.__module__,
            rule.__qualname__, meta.release_only,
        )  # fmt: skip


class Rule(ABC):
    """One thing that can be wrong with an object.

    A subclass states ``code``, ``name`` and ``severity``, documents itself under fixed headings,
    and yields findings from :meth:`check`. It is created once and must keep no state.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    since: ClassVar[str] = "0.1.0"
    status: ClassVar[RuleStatus] = RuleStatus.STABLE
    stage: ClassVar[Stage] = Stage.PROGRAM
    step: ClassVar[Step] = Step.CODE
    platforms: ClassVar[tuple[Platform, ...]] = (Platform.LINUX, Platform.WINDOWS)
    release_only: ClassVar[bool] = False
    refused_by_loader: ClassVar[str] = ""
    """What the loader refuses on Linux, where the rule is about that and nothing else: a name of
    the table of loaders. The rule then runs for the loaders that refuse it, and what it finds is
    undecided for those nobody knows of."""
    meta: ClassVar[RuleMeta]

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Refuse a rule whose identity or page is incomplete.

        ``abstract=True`` marks a shared base of rules that is no rule itself.
        """
        super().__init_subclass__()
        if abstract:
            return
        page = inspect.cleandoc(cls.__doc__ or "")
        missing = [heading for heading in _HEADINGS if f"\n{heading}\n" not in page]
        if not _CODE.match(cls.code) or not _NAME.match(cls.name) or missing:
            raise TypeError(
                f"rule {cls.__name__}: needs a code like MAP101, a kebab-case name and a "
                f"docstring with the headings {', '.join(_HEADINGS)} (missing: {missing})"
            )
        cls.meta = RuleMeta(
            cls.code,
            cls.name,
            cls.severity,
            page.split("\n", 1)[0],
            page,
            cls.since,
            cls.status,
            cls.platforms,
            cls.release_only,
        )

    @abstractmethod
    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each instance of the problem."""

    def finding(
        self,
        context: RuleContext,
        message: str,
        location: Location,
        *,
        help: str = "",  # noqa: A002 - the field's name in reports
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        related: tuple[str, ...] = (),
        targeted: bool = False,
        programs: tuple[str, ...] = (),
        undecided: bool = False,
    ) -> Finding:
        """Return a finding of this rule; ``targeted`` ties it to the context's target."""
        return Finding.model_construct(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            confidence=confidence,
            message=message,
            target=str(context.target) if targeted and context.target else None,
            locations=(location,),
            help=help,
            related=related,
            suppressed_by=None,
            programs=programs,
            undecided=undecided,
        )


@dataclass(frozen=True, slots=True)
class Locator:
    """Makes locations for one object, with source lines where the object has them."""

    spec: CollectionSpec
    context: RuleContext

    def object(self, section: str | None = None, offset: int | None = None) -> Location:
        """Return the object itself, or one of its sections."""
        return Location(object=self.context.object_name, section=section, offset=offset)

    def map(self, item: MapSpec) -> Location:
        """Return a map's declaration."""
        return Location(object=self.context.object_name, section=item.section, map=item.name)

    def function(self, function: FunctionSpec, insn: int | None = None) -> Location:
        """Return a function, or one instruction of it with its source line if known."""
        place = Location(
            object=self.context.object_name,
            section=function.elf_section,
            program=function.name,
            insn=insn,
        )
        line = self.spec.line_for(function, insn or 0)
        if line is None:
            return place
        update = {"file": line.file, "line": line.line, "column": line.column, "source": line.text}
        return place.model_copy(update=update)
