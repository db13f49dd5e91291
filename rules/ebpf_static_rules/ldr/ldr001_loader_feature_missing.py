"""LDR001."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.findings import Confidence, Finding, Location, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ExternKind, MapOrigin, MapSpec, ReferenceKind
from ebpf_static.support import loader_answer, loader_fact
from ebpf_static.target import ObjectLoader, Platform
from ebpf_static_rules.kernel_btf import is_typedef
from ebpf_static_rules.wording import tick


class _Use(NamedTuple):
    # What the table of loaders calls it, the first thing of that kind, and where it is.
    fact: str
    name: str
    place: Location


class LoaderFeatureMissing(Rule):
    """The object has something the library it is loaded with does not take.

    What it does
    ------------
    Judges for the loader named by `--loader`, where it is not libbpf 1.0 or newer: configuration
    values, functions and variables of the kernel, callbacks in `.struct_ops`, arenas, weak
    functions and maps, `TYPE_MATCHES`. Where nobody read that release of the loader, the answer is
    unknown.

    Why it matters
    --------------
    Objects are tried with the loader of whoever wrote them. Another one refuses the whole object
    over a single such thing: aya 0.13 says "Unable to determine the size of section `.kconfig`",
    cilium/ebpf "got '.struct_ops' section: not supported".

    Example
    -------
    ::

        extern int LINUX_KERNEL_VERSION __kconfig;   // with aya

    How to fix
    ----------
    Replace it by what the loader has: global variables that the loading program sets, say. Or load
    the object with a release of the library that takes it.

    References
    ----------
    https://ebpf-go.dev; https://aya-rs.dev; docs/object-loaders.md
    """

    code = "LDR001"
    name = "loader-feature-missing"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each kind of thing the loader does not take."""
        if context.loader == ObjectLoader() or spec.elf is None:
            return
        found: dict[str, _Use] = {}
        for use in _iter_uses(spec, context):
            found.setdefault(use.fact, use)
        for use in found.values():
            answer = loader_answer(use.fact, context.loader)
            if answer == "takes":
                continue
            known = answer == "refuses"
            does = "does not take" if known else "may take or not: nobody read that release of it"
            yield self.finding(
                context,
                f"{tick(use.name)}: {loader_fact(use.fact)}, which {context.loader.label} {does}",
                use.place,
                help="do without it, or use a loader that takes it",
                severity=None if known else Severity.NOTE,
                confidence=Confidence.HIGH if known else Confidence.LOW,
                undecided=not known,
            )


def _iter_uses(spec: CollectionSpec, context: RuleContext) -> Iterator[_Use]:
    locate = Locator(spec, context)
    for extern in spec.externs:
        fact = {
            ExternKind.KCONFIG: "kconfig",
            ExternKind.KFUNC: "kfuncs",
            ExternKind.KSYM: "typed_ksyms" if extern.typed else "untyped_ksyms",
        }.get(extern.kind)
        if fact is not None:
            place = Location(object=context.object_name, symbol=extern.name)
            yield _Use(fact, extern.name, place)
    used = _maps_used(spec)
    for position, item in enumerate(spec.maps):
        for fact in _map_facts(spec, item, used=position in used):
            yield _Use(fact, item.name, locate.map(item))
    for function in spec.functions:
        if function.linkage == "weak" and function.section == ".text":
            yield _Use("weak_calls", function.name, locate.function(function))
    if _has_type_matches(spec):
        yield _Use("type_matches", ".BTF.ext", locate.object(".BTF.ext"))


def _map_facts(spec: CollectionSpec, item: MapSpec, *, used: bool) -> Iterator[str]:
    if item.origin is MapOrigin.STRUCT_OPS:
        yield "struct_ops_link" if item.section.endswith(".link") else "struct_ops"
    if item.origin is MapOrigin.BTF and item.linkage == "weak" and used:
        yield "weak_maps"
    if item.origin is MapOrigin.BTF and is_typedef(spec.btf, item.btf_id):
        yield "named_map_struct"
    if item.section.startswith(".bss.") and used:
        yield "suffixed_bss"
    if item.type.name == "ARENA" and any(it.section == ".addr_space.1" for it in spec.variables):
        yield "arena"


def _maps_used(spec: CollectionSpec) -> frozenset[int]:
    """Return the positions of the maps that code refers to."""
    kinds = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)
    return frozenset(
        reference.target
        for function in spec.functions
        for reference in function.references
        if reference.kind in kinds
    )


def _has_type_matches(spec: CollectionSpec) -> bool:
    ext = spec.btf_ext
    if ext is None or not ext.core_sections:
        return False
    from ebpf_static.btf.core import CoreKind  # only an object with such relocations pays for it

    return any(
        relocation.kind == CoreKind.TYPE_MATCHES
        for section in ext.core_sections
        for relocation in ext.core_relocations(section)
    )
