"""Read, check and load compiled eBPF objects, without a kernel.

Public names are resolved on first use (PEP 562), so ``import ebpf_static`` costs nothing but
itself and a program that only parses its command line never imports a parser of objects::

    import ebpf_static as es

    spec = es.read("probe.bpf.o")
    report = es.check(spec, platform="windows")
    print(report.ok, report.findings)

Names in ``__all__`` are public and stable; every other module is not.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; typing's own costs more than all the rest here
if TYPE_CHECKING:
    from ebpf_static.api import check, explain, requires, rules, verdicts
    from ebpf_static.api_load import load
    from ebpf_static.btf import Btf
    from ebpf_static.btf.sources import read_btf
    from ebpf_static.cli.exitcodes import ExitCode
    from ebpf_static.engine.policy import Ignore, Policy
    from ebpf_static.errors import (
        ConfigError,
        EbpfStaticError,
        FormatError,
        LimitError,
        LoaderError,
        LoaderUnavailableError,
        LoadRejectedError,
        ObjectError,
        PluginError,
        UnknownRuleError,
        UnknownTargetError,
        UnsupportedObjectError,
        UsageError,
    )
    from ebpf_static.findings import Confidence, Failure, Finding, Location, Report, Severity
    from ebpf_static.kernel.btf_verbs import (
        CoreRelocated,
        btfgen,
        core_relocate,
        diff_btf,
        requires_types,
    )
    from ebpf_static.loading import CheckFailedError, Collection, Loader, LoadOptions
    from ebpf_static.plugins import Rule, RuleMeta
    from ebpf_static.reading import read
    from ebpf_static.scanning.inventory import FoundObject, Inventory
    from ebpf_static.scanning.verbs import inventory, scan
    from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec
    from ebpf_static.target import Platform, Target, Version
    from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType
    from ebpf_static.verdict import ObjectVerdicts, Status, Verdict

__version__ = "0.1.0"

__all__ = [
    "AttachType",
    "Btf",
    "CheckFailedError",
    "Collection",
    "CollectionSpec",
    "Confidence",
    "ConfigError",
    "CoreRelocated",
    "EbpfStaticError",
    "ExitCode",
    "Failure",
    "Finding",
    "FormatError",
    "FoundObject",
    "FunctionSpec",
    "HelperId",
    "Ignore",
    "Inventory",
    "LimitError",
    "LoadOptions",
    "LoadRejectedError",
    "Loader",
    "LoaderError",
    "LoaderUnavailableError",
    "Location",
    "MapSpec",
    "MapType",
    "ObjectError",
    "ObjectVerdicts",
    "Platform",
    "PluginError",
    "Policy",
    "ProgramSpec",
    "ProgramType",
    "Report",
    "Rule",
    "RuleMeta",
    "Severity",
    "Status",
    "Target",
    "UnknownRuleError",
    "UnknownTargetError",
    "UnsupportedObjectError",
    "UsageError",
    "Verdict",
    "Version",
    "__version__",
    "btfgen",
    "check",
    "core_relocate",
    "diff_btf",
    "explain",
    "inventory",
    "load",
    "read",
    "read_btf",
    "requires",
    "requires_types",
    "rules",
    "scan",
    "verdicts",
]

_NAMES_BY_MODULE = {
    "ebpf_static.api": ("check", "explain", "requires", "rules", "verdicts"),
    "ebpf_static.api_load": ("load",),
    "ebpf_static.cli.exitcodes": ("ExitCode",),
    "ebpf_static.engine.policy": ("Ignore", "Policy"),
    "ebpf_static.errors": (
        "ConfigError",
        "EbpfStaticError",
        "FormatError",
        "LimitError",
        "LoadRejectedError",
        "LoaderError",
        "LoaderUnavailableError",
        "ObjectError",
        "PluginError",
        "UnknownRuleError",
        "UnknownTargetError",
        "UnsupportedObjectError",
        "UsageError",
    ),
    "ebpf_static.findings": (
        "Confidence",
        "Failure",
        "Finding",
        "Location",
        "Report",
        "Severity",
    ),
    "ebpf_static.loading": ("CheckFailedError", "Collection", "LoadOptions", "Loader"),
    "ebpf_static.btf": ("Btf",),
    "ebpf_static.btf.sources": ("read_btf",),
    "ebpf_static.kernel.btf_verbs": (
        "CoreRelocated",
        "btfgen",
        "core_relocate",
        "diff_btf",
        "requires_types",
    ),
    "ebpf_static.plugins": ("Rule", "RuleMeta"),
    "ebpf_static.reading": ("read",),
    "ebpf_static.scanning.inventory": ("FoundObject", "Inventory"),
    "ebpf_static.scanning.verbs": ("inventory", "scan"),
    "ebpf_static.specs": ("CollectionSpec", "FunctionSpec", "MapSpec", "ProgramSpec"),
    "ebpf_static.target": ("Platform", "Target", "Version"),
    "ebpf_static.uapi.constants": ("AttachType", "HelperId", "MapType", "ProgramType"),
    "ebpf_static.verdict": ("ObjectVerdicts", "Status", "Verdict"),
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> object:
    """Import the module that defines a public name, once."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "import_module", "annotations"})
