"""WIN021."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf import Btf, Kind
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapOrigin, MapSpec, ReferenceKind
from ebpf_static_rules.facts import iter_loaded
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import find_gap
from ebpf_static_rules.wording import listed, tick

_SECTIONS = (".data", ".rodata", ".bss")
_SINCE = "0.21.0"
_MAX_BYTES = 1 << 20


class GlobalVariablesUnsupported(WindowsRule):
    """The program uses global variables in a way Windows does not support.

    What it does
    ------------
    Looks at the data sections programs refer to. Reports sections other than `.data`, `.rodata`
    and `.bss`, variables that are not static, sections without BTF, of another size than BTF says
    or above 1 MiB, and releases before 0.21, which have no global variables at all. Notes that
    only native images have them, and that `.rodata` is writable.

    Why it matters
    --------------
    bpf2c refuses relocations against named symbols of these sections, and the JIT resolves none of
    them. A constant in `.rodata` is an ordinary map value that user space can change.

    Example
    -------
    ::

        int counter;                     // global: bpf2c reports an error
        static int counter;              // works in a native image

    How to fix
    ----------
    Make the variables static, keep them in the three sections, or use an array map.

    References
    ----------
    microsoft/ebpf-for-windows: tools/bpf2c/bpf_code_generator.cpp, docs/NativeCodeGeneration.md
    """

    code = "WIN021"
    name = "global-variables-unsupported"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield what is wrong with each data section that is used, and one note on all of them."""
        used = _used_sections(spec)
        for index, (function, insn) in used.items():
            for words, advice in _problems(spec, spec.maps[index]):
                yield self.finding(
                    context, words, locate.function(function, insn), help=advice,
                )  # fmt: skip
        if not used:
            return
        function, insn = next(iter(used.values()))
        names = [spec.maps[index].name for index in used]
        yield self._releases(context, names, locate, function, insn)

    def _releases(
        self,
        context: RuleContext,
        names: list[str],
        locate: Locator,
        function: FunctionSpec,
        insn: int,
    ) -> Finding:
        gap = find_gap(context, _SINCE)
        what = f"global variables in {listed([tick(name) for name in names])}"
        if gap is not None:
            words, severity = (
                f"{what} need support {gap.words}, in native images only",
                gap.severity,
            )
        else:
            words, severity = f"{what} work in native images only", Severity.NOTE
        writable = (".rodata is a writable map on eBPF for Windows",) if ".rodata" in names else ()
        return self.finding(
            context,
            words,
            locate.function(function, insn),
            help="ship the program as a native image, or use an array map",
            severity=severity,
            related=writable,
            targeted=True,
        )


def _used_sections(spec: CollectionSpec) -> dict[int, tuple[FunctionSpec, int]]:
    """Return the data maps programs refer to, with the first reference to each."""
    found: dict[int, tuple[FunctionSpec, int]] = {}
    for function, _ in iter_loaded(spec):
        for reference in function.references:
            index = reference.target
            if reference.kind is not ReferenceKind.MAP_VALUE or index < 0 or index in found:
                continue
            if spec.maps[index].origin is MapOrigin.DATA:
                found[index] = (function, reference.index)
    return found


def _problems(spec: CollectionSpec, item: MapSpec) -> Iterator[tuple[str, str]]:
    name = item.section
    if name not in _SECTIONS:
        yield (
            f"section `{name}` holds variables, but bpf2c knows `.data`, `.rodata` and `.bss` only",
            "remove the section attribute, or compile string constants into an array",
        )
        return
    visible = _visible_variables(spec, name)
    if visible:
        names = listed([tick(it) for it in visible])
        verb = "is" if len(visible) == 1 else "are"
        what = (
            f"{names} in `{name}` {verb} not static, and bpf2c refuses references to named symbols"
        )
        yield what, "declare the variables static"
    size = item.value_size
    if size > _MAX_BYTES:
        yield (
            f"section `{name}` has {size} bytes, more than the {_MAX_BYTES} bpf2c takes",
            "shrink it",
        )
    declared = None if spec.btf is None else _declared_size(spec.btf, name)
    section = spec.elf.find_section(name) if spec.elf else None
    if declared is None:
        yield f"section `{name}` has no description in BTF, which bpf2c needs", "compile with -g"
    elif section is not None and declared not in (0, section.size):
        # A compiler leaves the size 0 for the linker to fill in; efW's own tools do so, too.
        yield (
            f"section `{name}` has {section.size} bytes but {declared} in BTF",
            "rebuild the object; do not edit its sections",
        )


def _visible_variables(spec: CollectionSpec, section: str) -> list[str]:
    """Return the variables of a section that references name, in the section's order."""
    named = {
        reference.name
        for function, _ in iter_loaded(spec)
        for reference in function.references
        if reference.kind is ReferenceKind.MAP_VALUE
    }
    return [
        variable.name
        for variable in spec.variables
        if variable.section == section and variable.linkage != "static" and variable.name in named
    ]


def _declared_size(btf: Btf, section: str) -> int | None:
    type_id = btf.find(section, Kind.DATASEC)
    if type_id is None:
        return None
    size: int = getattr(btf.type(type_id), "size", 0)
    return size
