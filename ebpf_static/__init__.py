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
    from ebpf_static.api import check, explain, rules
    from ebpf_static.api_load import load
    from ebpf_static.cli.exitcodes import ExitCode
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
    from ebpf_static.loading import CheckFailedError, Collection, Loader, LoadOptions
    from ebpf_static.plugins import Rule, RuleMeta
    from ebpf_static.reading import read
    from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec
    from ebpf_static.target import Platform, Target, Version
    from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

__version__ = "0.1.0"

__all__ = [
    "AttachType",
    "CheckFailedError",
    "Collection",
    "CollectionSpec",
    "Confidence",
    "ConfigError",
    "EbpfStaticError",
    "ExitCode",
    "Failure",
    "Finding",
    "FormatError",
    "FunctionSpec",
    "HelperId",
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
    "Platform",
    "PluginError",
    "ProgramSpec",
    "ProgramType",
    "Report",
    "Rule",
    "RuleMeta",
    "Severity",
    "Target",
    "UnknownRuleError",
    "UnknownTargetError",
    "UnsupportedObjectError",
    "UsageError",
    "Version",
    "__version__",
    "check",
    "explain",
    "load",
    "read",
    "rules",
]

_NAMES_BY_MODULE = {
    "ebpf_static.api": ("check", "explain", "rules"),
    "ebpf_static.api_load": ("load",),
    "ebpf_static.cli.exitcodes": ("ExitCode",),
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
    "ebpf_static.plugins": ("Rule", "RuleMeta"),
    "ebpf_static.reading": ("read",),
    "ebpf_static.specs": ("CollectionSpec", "FunctionSpec", "MapSpec", "ProgramSpec"),
    "ebpf_static.target": ("Platform", "Target", "Version"),
    "ebpf_static.uapi.constants": ("AttachType", "HelperId", "MapType", "ProgramType"),
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
