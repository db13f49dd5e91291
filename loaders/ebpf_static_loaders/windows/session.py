"""What the steps of one load share, and what options mean on Windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import LoadOptions
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static_loaders.owned import Undo
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.runtime import Runtime

_LINUX_ONLY: Final = ("kernel_btf", "kernel_config", "token_dir")


@dataclass(slots=True)
class Session:
    """One load under way.

    Attributes:
        spec: what is loaded.
        options: what the user decided.
        runtime: the efW it goes to.
        cpus: values a per-CPU map has for each key.
        undo: how to take back everything done so far.
        maps: each map of the spec, by position.
    """

    spec: CollectionSpec
    options: LoadOptions
    runtime: Runtime
    cpus: int
    undo: Undo = field(default_factory=Undo)
    maps: list[Fd] = field(default_factory=list)

    def is_selected(self, program: ProgramSpec) -> bool:
        """Tell whether a program is to be loaded."""
        if self.options.programs is None:
            return program.autoload
        return program.name in self.options.programs


def require_options(options: LoadOptions, spec: CollectionSpec) -> None:
    """Refuse options that mean nothing on Windows, or name what the object does not have.

    Raises:
        UsageError: which one.
    """
    for name in _LINUX_ONLY:
        if getattr(options, name) is not None:
            raise UsageError(f"option {name} is for Linux: eBPF for Windows has no such thing")
    if options.attach_programs:
        raise UsageError("eBPF for Windows has no programs that belong to other programs")
    programs = {program.name for program in spec.programs}
    maps = {item.name for item in spec.maps}
    asked = (
        ("program", options.programs or (), programs),
        ("program", options.attach_to, programs),
        ("map", options.max_entries, maps),
        ("map", options.maps, maps),
        ("global variable", options.variables, {item.name for item in spec.variables}),
    )
    for noun, names, known in asked:
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise UsageError(f"the object has no {noun} `{missing}`")
