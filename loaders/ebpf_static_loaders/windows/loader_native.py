"""``windows-native``: a native image into eBPF for Windows.

The file itself is loaded: the service authorises it, a driver service is made for it, and the
runtime takes maps and programs from it (efW ``libs/api/ebpf_api.cpp``,
``libs/service/api_service.cpp``, ``libs/execution_context/ebpf_native.c``). So the file must be
what was checked, and what is loaded what the file says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from ebpf_static.errors import EbpfStaticError, LoadRejectedError, UsageError, escape
from ebpf_static.loading import Collection, LoadOptions
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_loaders.owned import Undo
from ebpf_static_loaders.windows.base import WindowsLoader
from ebpf_static_loaders.windows.collection import WindowsCollection
from ebpf_static_loaders.windows.compare import LoadedMap, LoadedProgram, iter_differences
from ebpf_static_loaders.windows.handles import WindowsMap, map_info
from ebpf_static_loaders.windows.host import machine
from ebpf_static_loaders.windows.program import WindowsProgram
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import doing, rejected
from ebpf_static_loaders.windows.runtime import NATIVE, REQUIRED, ObjectType, Runtime
from ebpf_static_loaders.windows.session import require_options

EXTENSION: Final = ".sys"
NAME_BYTES: Final = 63
_SLOTS: Final = 32  # room to begin with, where the image says less
_TOLD: Final = 4


class WindowsNativeLoader(WindowsLoader):
    """Loads native images (``.sys``), all of one or nothing.

    The image's path is what :attr:`LoadOptions.object_name` says. Pinning, sizes and values are
    the image's own business, so the options that would change them are refused. efW loads an
    image whole; programs nobody asked for are given back once it is compared.
    """

    name: ClassVar[str] = "windows-native"
    needs: ClassVar[tuple[str, ...]] = (*REQUIRED, *NATIVE)

    def __init__(self, library: Any = None, *, machine: Callable[[], str] = machine) -> None:
        """Prepare to load; tests hand in a ``library`` and a ``machine`` of their own."""
        super().__init__(library)
        self._machine = machine

    @classmethod
    def takes(cls, spec: CollectionSpec) -> bool:
        """Tell whether it is a native image."""
        return isinstance(spec, NativeImageSpec)

    def load(self, spec: CollectionSpec, options: LoadOptions | None = None) -> Collection:
        """Load the image a spec was read from, all of it or nothing.

        Raises:
            LoadRejectedError: efW refuses, the file is not what was checked, or what efW loaded
                is not what the file says; nothing stays loaded.
        """
        options = options or LoadOptions()
        self.refuse_platform(spec)
        if not isinstance(spec, NativeImageSpec):
            raise UsageError("this is bytecode, no native image: load it with loader windows-dll")
        _require_options(options, spec)
        path = self.find_file(options.object_name, spec)
        require_image(spec, self._machine())
        runtime = self.require_available()
        undo = Undo()
        try:
            collection = _load(runtime, undo, spec, path, options)
        except BaseException:
            undo.run()
            raise
        undo.forget()
        return collection

    def find_file(self, name: str, spec: NativeImageSpec) -> str:
        """Return the full path of the image, once it is sure that it holds what was checked.

        Raises:
            LoadRejectedError: it does not, or is not called as native images are.
            UsageError: there is no such file.
        """
        return _require_file(name, spec)


def _require_options(options: LoadOptions, spec: NativeImageSpec) -> None:
    require_options(options, spec)
    fixed = {
        "max_entries": options.max_entries, "maps": options.maps, "pin_dir": options.pin_dir,
        "default_max_entries": options.default_max_entries, "variables": options.variables,
    }  # fmt: skip
    for name, value in fixed.items():
        if value:
            raise UsageError(f"option {name} means nothing here: a native image says so itself")


def _require_file(name: str, spec: NativeImageSpec) -> str:
    """Return the full path of the image, once it is sure that it holds what was checked."""
    path = os.path.abspath(name)  # noqa: PTH100 - as text: what Windows is told
    if not path.endswith(EXTENSION):
        raise rejected(
            f"{name}: a native image is a file called *{EXTENSION}, in small letters",
            "EBPF_INVALID_ARGUMENT",
            rule="WIN029",
        )
    if not Path(path).is_file():
        raise UsageError(f"{name}: there is no such file, and a native image is loaded as a file")
    try:
        there = read(path)
    except EbpfStaticError as error:
        raise LoadRejectedError(f"the file is not what was checked: {error}") from error
    if there != spec:
        raise LoadRejectedError(f"{name}: the file is not what was checked: it has changed since")
    return path


def require_image(spec: NativeImageSpec, processor: str) -> None:
    """Refuse an image efW would not load, or whose parts nobody could name afterwards.

    Raises:
        LoadRejectedError: why, in words.
    """
    if spec.kind != "driver":
        raise rejected("the image is a DLL for user-mode tests, no driver", "EBPF_INVALID_ARGUMENT")
    if processor not in ("?", spec.machine):
        raise rejected(
            f"the image is for {spec.machine}, this host is {processor}", "EBPF_PROGRAM_LOAD_FAILED"
        )
    if (spec.maps or spec.programs) and not spec.layout.is_versioned:
        raise rejected(
            f"the image was made by a bpf2c before 0.21.0 (layout {spec.layout.name})",
            "EBPF_INVALID_OBJECT",
            rule="WIN025",
        )
    for noun, names in (
        ("map", [item.name for item in spec.maps]),
        ("program", [program.name for program in spec.programs]),
    ):
        _require_names(noun, names)


def _require_names(noun: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not name:
            raise rejected(f"a {noun} of the image has no name", "EBPF_INVALID_OBJECT")
        if len(name.encode("utf-8", "surrogateescape")) > NAME_BYTES:
            what = f"the name of {noun} `{escape(name)}` has more than {NAME_BYTES} bytes"
            raise rejected(what, "EBPF_INVALID_ARGUMENT", rule="WIN017")
        if name in seen:
            what = f"the image has two {noun}s called `{escape(name)}`"
            raise rejected(what, "EBPF_OBJECT_ALREADY_EXISTS")
        seen.add(name)


def _load(
    runtime: Runtime, undo: Undo, spec: NativeImageSpec, path: str, options: LoadOptions
) -> WindowsCollection:
    with doing("ask how many processors there are"):
        cpus = runtime.possible_cpus()
    with doing(f"load the native image {path}"):
        map_fds, program_fds = runtime.load_native(
            path.encode("utf-8", "surrogateescape"),
            max(_SLOTS, len(spec.maps)),
            max(_SLOTS, len(spec.programs)),
        )
    owned_maps = [undo.own(Fd(runtime, fd)) for fd in map_fds]
    owned_programs = [undo.own(Fd(runtime, fd)) for fd in program_fds]
    with doing("ask what was loaded"):
        maps = [LoadedMap(fd.number, map_info(runtime, fd.number)) for fd in owned_maps]
        programs = [
            LoadedProgram(fd.number, runtime.object_info(fd.number, ObjectType.PROGRAM))
            for fd in owned_programs
        ]
    found = list(iter_differences(spec, maps, programs))
    if found:
        more = f" (and {len(found) - _TOLD} more)" if len(found) > _TOLD else ""
        raise LoadRejectedError(
            f"efW loaded something else than the image says: {'; '.join(found[:_TOLD])}{more}",
            "\n".join(found),
        )
    handles = _programs(spec, owned_programs, programs, options)
    for name in sorted(set(handles) - set(options.programs or handles)):
        handles.pop(name).close()
    return WindowsCollection(spec, _map_handles(spec, owned_maps, maps, cpus), handles)


def _map_handles(
    spec: NativeImageSpec, owned: list[Fd], loaded: list[LoadedMap], cpus: int
) -> dict[str, WindowsMap]:
    handles = {
        there.info.name: WindowsMap(
            fd, name=there.info.name, spec=spec.maps[there.info.name], info=there.info,
            btf=None, cpus=cpus,
        )
        for fd, there in zip(owned, loaded, strict=True)
    }  # fmt: skip
    return {item.name: handles[item.name] for item in spec.maps}


def _programs(
    spec: NativeImageSpec, owned: list[Fd], loaded: list[LoadedProgram], options: LoadOptions
) -> dict[str, WindowsProgram]:
    handles: dict[str, WindowsProgram] = {}
    for fd, there in zip(owned, loaded, strict=True):
        name = str(there.info["name"])
        handles[name] = WindowsProgram(
            fd, name=name, spec=spec.programs[name], target=options.attach_to.get(name)
        )
    return {program.name: handles[program.name] for program in spec.programs}
