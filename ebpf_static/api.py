"""The verbs: ``check``, ``rules`` and ``explain``; the only place that drives all the others.

Nothing here prints, logs, exits or reads the environment (but for finding plugins).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static import reading
from ebpf_static.engine.own_rules import MalformedObject
from ebpf_static.engine.policy import Policy
from ebpf_static.engine.run import make_context, run_rules
from ebpf_static.engine.select import ALL, get_rule, select_rules
from ebpf_static.engine.tags import apply_tags
from ebpf_static.errors import FormatError, ObjectError, UsageError
from ebpf_static.findings import Failure, Ran, Report
from ebpf_static.limits import MAX_OBJECT_BYTES
from ebpf_static.plugins import RuleContext, RuleMeta
from ebpf_static.reading import read
from ebpf_static.registry import RegisteredRule, Registry, get_registry
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import ObjectLoader, PathLike, Platform, Target

if TYPE_CHECKING:
    from ebpf_static.kernel import View
    from ebpf_static.requirements import Requirements
    from ebpf_static.verdict import ObjectVerdicts

Unread = reading.Source
Source = CollectionSpec | Unread
"""What can be judged: a spec, or whatever :func:`ebpf_static.read` takes."""


def check(
    source: Source,
    *,
    platform: str | Platform | None = None,
    targets: str | Target | Iterable[str | Target] = (),
    btf: PathLike | Iterable[PathLike] = (),
    kconfig: PathLike | None = None,
    profile: PathLike | None = None,
    arch: str | None = None,
    page_size: int | None = None,
    select: str | Iterable[str] = (ALL,),
    ignore: str | Iterable[str] = (),
    name: str | None = None,
    loader: str | ObjectLoader | None = None,
    policy: Policy | None = None,
    registry: Registry | None = None,
) -> Report:
    """Return what is wrong with an object.

    Args:
        source: a spec, a path, the bytes of an object, or a file object open for reading bytes.
        platform: the platform to judge for (``linux`` or ``windows``), any release of it;
            None judges the object by its own platform.
        targets: platforms with an optional release (``linux:5.15``) to judge for, one by one.
        btf: files with the types of the kernel of the one Linux target, and of its modules after
            it; without a target they alone say which kernel is meant.
        kconfig: file with that kernel's build configuration.
        profile: file with what one machine said of itself (``ebpf-static probe``); it goes before
            what is known of its release.
        arch: the processor of every Linux target (``arm64``, ``s390x``); by default x86-64.
        page_size: bytes of its pages; by default what is usual on that processor.
        select: codes, prefixes of codes, names or ``ALL``.
        ignore: the same, taken away again; the more specific selector wins.
        name: what findings call the object; by default the path as given.
        loader: the library the object is loaded with on Linux (``cilium``, ``libbpf:0.8``), where
            a target does not name one; by default libbpf 1.0 or newer.
        policy: how findings are to be taken: severities, suppressions, places; by default only
            declaration tags in the object's own source suppress any.
        registry: where rules come from; by default everything installed.

    Returns:
        Findings in a fixed order. An object that is recognisably BPF but malformed is the finding
        ELF001; a rule or plugin that fails is an entry of ``failures``, so ``ok`` is false.

    Raises:
        UnsupportedObjectError: the source is not a BPF object at all.
        UsageError: the source cannot be opened, ``platform`` and ``targets`` contradict each
            other, or a platform, target or rule does not exist.
    """
    checker = Checker.prepare(
        platform=platform, targets=targets, btf=btf, kconfig=kconfig, profile=profile,
        arch=arch, page_size=page_size,
        select=select, ignore=ignore, loader=loader, policy=policy, registry=registry,
    )  # fmt: skip
    return Report.merge((checker.preamble, checker.check(source, name)))


def verdicts(
    source: Source,
    target: str | Target,
    *,
    assume_setup: bool = True,
    name: str | None = None,
    loader: str | ObjectLoader | None = None,
    registry: Registry | None = None,
) -> ObjectVerdicts:
    """Return whether an object and each of its programs load on a target, and why not.

    Args:
        source: as for :func:`check`.
        target: ``linux:6.1``, a distribution (``debian:12``), or a target with files.
        assume_setup: judge as if the object's own loader had given a size to maps without one;
            False judges the object exactly as it is.
        name: what findings call the object; by default the path as given.
        loader: as for :func:`check`.
        registry: where rules come from; by default everything installed.

    Returns:
        A mapping of program names to verdicts, each program loaded alone; ``object`` is the
        verdict on everything loaded together.

    Raises:
        FormatError: the object is malformed.
        UnsupportedObjectError: the source is no BPF object at all.
        UsageError: the source, or a file of the target, cannot be read, or the target is none.
    """
    from ebpf_static.support.targets import parse_target
    from ebpf_static.verdict import judge_object

    wanted = require_release(target if isinstance(target, Target) else parse_target(target))
    object_name = name if name is not None else name_of(source)
    spec = source if isinstance(source, CollectionSpec) else _read_for(source, wanted)
    return judge_object(
        spec, wanted, assume_setup=assume_setup, name=object_name, registry=registry,
        loader=_loader(loader),
    )  # fmt: skip


def requires(
    source: Source,
    *,
    name: str | None = None,
    lowest: bool = False,
    loader: str | ObjectLoader | None = None,
) -> Requirements:
    """Return every platform feature an object needs, where, and how it is guarded.

    Args:
        source: as for :func:`check`.
        name: what locations call the object; by default the path as given.
        lowest: also judge it for release after release, to say since when it is not rejected.
        loader: as for :func:`check`.

    Raises:
        FormatError: the object is malformed.
        UnsupportedObjectError: the source is no BPF object at all.
        UsageError: the source cannot be read.
    """
    from ebpf_static.requirements import requires as collect

    object_name = name if name is not None else name_of(source)
    spec = source if isinstance(source, CollectionSpec) else read(source)
    used = _loader(loader)
    found = collect(spec, name=object_name, loader=used)
    if not lowest:
        return found
    from ebpf_static.lowest import find_lowest

    return found.model_copy(update={"lowest": find_lowest(spec, loader=used)})


def _read_for(source: Unread, target: Target) -> CollectionSpec:
    """Read an object; one that does not say what it is for is taken for the target's platform."""
    source = _readable_again(source)
    spec = read(source)
    if spec.platform is Platform.UNKNOWN and target.platform is Platform.WINDOWS:
        return read(source, platform=Platform.WINDOWS)
    return spec


def rules(registry: Registry | None = None) -> tuple[RuleMeta, ...]:
    """Return the identity and page of every rule, in code order."""
    return (registry or get_registry()).metas


def explain(code_or_name: str, registry: Registry | None = None) -> RuleMeta:
    """Return the identity and page of one rule.

    Raises:
        UnknownRuleError: no rule has this code or name; the message lists near matches.
    """
    return get_rule(code_or_name, rules(registry))


@dataclass(frozen=True, slots=True)
class Checker:
    """The choices of one run, made once and applied to any number of objects.

    Attributes:
        targets: what to judge for; empty for each object's own platform.
        rules: the rules that run.
        failures: what went wrong while looking for rules.
        policy: how findings are to be taken.
        loader: the library objects are loaded with on targets that name none.
    """

    targets: tuple[Target, ...] = ()
    rules: tuple[RegisteredRule, ...] = ()
    failures: tuple[Failure, ...] = ()
    policy: Policy = field(default_factory=Policy)
    loader: ObjectLoader | None = None

    @classmethod
    def prepare(
        cls,
        *,
        platform: str | Platform | None = None,
        targets: str | Target | Iterable[str | Target] = (),
        btf: PathLike | Iterable[PathLike] = (),
        kconfig: PathLike | None = None,
        profile: PathLike | None = None,
        arch: str | None = None,
        page_size: int | None = None,
        select: str | Iterable[str] = (ALL,),
        ignore: str | Iterable[str] = (),
        loader: str | ObjectLoader | None = None,
        policy: Policy | None = None,
        registry: Registry | None = None,
    ) -> Checker:
        """Return the checker for these choices; arguments and errors are those of check()."""
        registry = registry or get_registry()
        return cls(
            with_machine(
                with_kernel_files(resolve_targets(platform, targets), btf, kconfig, profile),
                arch,
                page_size,
            ),
            select_rules(registry.rules, select, ignore),
            registry.rule_failures,
            policy or Policy(),
            _loader(loader),
        )

    @property
    def preamble(self) -> Report:
        """What is true of the run before any object: targets, loaders, plugins that failed."""
        named = (self.loader, *(target.loader for target in self.targets))
        return Report.model_construct(
            failures=self.failures,
            targets=tuple(str(t) for t in self.targets),
            loaders=tuple(dict.fromkeys(str(it) for it in named if it is not None)),
        )

    def check(self, source: Source, name: str | None = None) -> Report:
        """Return what is wrong with one object; see :func:`check`."""
        return self.policy.apply(self.judge(source, name))

    def judge(self, source: Source, name: str | None = None) -> Report:
        """Return what rules and the object's own source say, before the policy has its say.

        It depends on nothing but the object's bytes, the targets with their files, the rules and,
        for a native image, the ending of its name.
        """
        object_name = name if name is not None else name_of(source)
        if isinstance(source, CollectionSpec):
            report = run_rules(source, object_name, self.targets, self.rules, loader=self.loader)
            return self._tagged(report, source)
        try:
            spec, as_windows = self._read(source)
        except FormatError as error:
            finding = MalformedObject().from_error(error, RuleContext(object_name))
            ran = (Ran(object_name, None, (finding.code,)),)
            return Report.model_construct(findings=(finding,), objects=(object_name,), ran=ran)
        except ObjectError as error:
            error.object_name = object_name
            raise
        report = run_rules(
            spec, object_name, self.targets, self.rules, as_windows=as_windows, loader=self.loader
        )
        return self._tagged(report, spec)

    def read(self, source: Unread) -> CollectionSpec:
        """Return an object in the numbers of the targets' platform when it does not say its own.

        Raises:
            ObjectError: it is malformed, or no BPF object at all.
            UsageError: it cannot be opened.
        """
        spec, as_windows = self._read(source)
        only_windows = all(target.platform is Platform.WINDOWS for target in self.targets)
        return as_windows if as_windows is not None and only_windows else spec

    def views(self, spec: CollectionSpec, name: str) -> dict[str, View]:
        """Return an object as each of the targets sees it, by what the target is called.

        Raises:
            UnknownTargetError: a target is no release.
            UsageError: its BTF or configuration cannot be read.
        """
        return {str(target): make_context(name, target).view(spec) for target in self.targets}

    def _tagged(self, report: Report, spec: CollectionSpec) -> Report:
        return apply_tags(report, spec) if self.policy.use_tags else report

    def _read(self, source: Unread) -> tuple[CollectionSpec, CollectionSpec | None]:
        """Return the spec, and the one in Windows numbers when only the target says Windows.

        An object that says what it is keeps its own numbers even when judged for the other
        platform: they are what its author meant.
        """
        source = _readable_again(source)
        spec = read(source)
        wants_windows = any(t.platform is Platform.WINDOWS for t in self.targets)
        if spec.platform is Platform.UNKNOWN and wants_windows:
            return spec, read(source, platform=Platform.WINDOWS)
        return spec, None


def resolve_targets(
    platform: str | Platform | None, targets: str | Target | Iterable[str | Target]
) -> tuple[Target, ...]:
    """Return the targets meant by a platform and a list of targets, each once.

    Raises:
        UsageError: a target is of another platform than the one given, or does not exist.
    """
    listed = [targets] if isinstance(targets, str | Target) else targets
    wanted = tuple(dict.fromkeys(t if isinstance(t, Target) else _parse_target(t) for t in listed))
    if platform is None:
        return wanted
    chosen = Platform.parse(str(platform))
    for target in wanted:
        if target.platform is not chosen:
            raise UsageError(
                f"target '{target}' contradicts platform '{chosen}': name one or the other"
            )
    return wanted or (Target(chosen),)


def with_kernel_files(
    targets: tuple[Target, ...],
    btf: PathLike | Iterable[PathLike],
    kconfig: PathLike | None,
    profile: PathLike | None = None,
) -> tuple[Target, ...]:
    """Return the targets, those of Linux with these files in place of their own.

    Raises:
        UsageError: there are files, and targets that are all of another platform, or several
            Linux kernels they could be of.
    """
    listed = [btf] if isinstance(btf, str | os.PathLike) else btf
    paths = tuple(os.fspath(path) for path in listed)
    if not paths and kconfig is None and profile is None:
        return targets
    wanted = targets or (Target(Platform.LINUX),)
    kernels = [target for target in wanted if target.platform is Platform.LINUX]
    if not kernels:
        raise UsageError("BTF, configuration and profile of a kernel are for Linux targets")
    if len(kernels) > 1:
        raise UsageError(
            "BTF, configuration and profile are one kernel's: name one Linux target with them, or "
            "each target with its files in the configuration"
        )
    config = None if kconfig is None else os.fspath(kconfig)
    said = None if profile is None else os.fspath(profile)
    return tuple(
        replace(
            target,
            btf=paths or target.btf,
            config=config or target.config,
            profile=said or target.profile,
        )
        if target.platform is Platform.LINUX
        else target
        for target in wanted
    )


def require_release(target: Target) -> Target:
    """Return a target that says which kernel or release is meant.

    Next to nothing is decided of no release in particular, and "loads" would promise it.

    Raises:
        UsageError: it names a platform only.
    """
    if target.version is None and not target.btf and target.profile is None:
        raise UsageError(
            f"target '{target}' names no release: write one such as 'linux:6.1' or 'windows:1.1'"
        )
    return target


def with_machine(
    targets: tuple[Target, ...], arch: str | None, page_size: int | None
) -> tuple[Target, ...]:
    """Return the targets, those of Linux on this machine.

    Raises:
        UsageError: the processor is not known, no page has that size, or all targets are of
            another platform.
    """
    if arch is None and page_size is None:
        return targets
    from ebpf_static.support.architectures import find_architecture, page_size_of

    wanted = targets or (Target(Platform.LINUX),)
    if not any(target.platform is Platform.LINUX for target in wanted):
        raise UsageError("the processor and its pages are asked about for Linux targets")
    name = None if arch is None else find_architecture(arch).name
    changed = tuple(
        replace(target, arch=name or target.arch, page_size=page_size or target.page_size)
        if target.platform is Platform.LINUX
        else target
        for target in wanted
    )
    for target in changed:
        page_size_of(target)
    return changed


def _loader(loader: str | ObjectLoader | None) -> ObjectLoader | None:
    if loader is None:
        return None
    from ebpf_static.support.loaders import resolve_loader  # only a named loader needs the tables

    return resolve_loader(loader)


def _parse_target(text: str) -> Target:
    family = text.partition(":")[0]
    if family in (Platform.LINUX, Platform.WINDOWS) or text[:1].isdigit():
        return Target.parse(text)
    from ebpf_static.support.targets import parse_target  # only a distribution needs the tables

    return parse_target(text)


def name_of(source: Source) -> str:
    """Return what findings call ``source`` when nobody says: its path with forward slashes."""
    if isinstance(source, str | os.PathLike):
        return Path(source).as_posix()
    named = getattr(source, "name", None)
    if isinstance(named, str):
        return Path(named).as_posix()
    return "<spec>" if isinstance(source, CollectionSpec) else "<bytes>"


def _readable_again(source: Unread) -> Unread:
    """Return something that can be read twice: bytes for an open file or a pipe."""
    if isinstance(source, bytes | bytearray | memoryview):
        return source
    try:
        if not isinstance(source, str | os.PathLike):
            return source.read(MAX_OBJECT_BYTES + 1)
        path = Path(source)
        if path.is_file() or path.is_dir() or not path.exists():
            return source
        with path.open("rb") as file:
            return file.read(MAX_OBJECT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{name_of(source)}: cannot be read: {reason}") from error
