"""``windows-dll``: a spec as bytecode into eBPF for Windows, through ``ebpfapi.dll``."""

from __future__ import annotations

from typing import ClassVar

from ebpf_static.errors import UsageError
from ebpf_static.loading import Collection, LoadOptions
from ebpf_static.specs import CollectionSpec
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_loaders.windows.base import WindowsLoader
from ebpf_static_loaders.windows.collection import WindowsCollection
from ebpf_static_loaders.windows.handles import WindowsMap, map_info
from ebpf_static_loaders.windows.maps import create_maps, fill_program_arrays
from ebpf_static_loaders.windows.preflight import require_loadable
from ebpf_static_loaders.windows.program import WindowsProgram
from ebpf_static_loaders.windows.programs import load_program
from ebpf_static_loaders.windows.results import doing
from ebpf_static_loaders.windows.session import Session, require_options


class WindowsDllLoader(WindowsLoader):
    """Loads objects as bytecode, where efW is built to take bytecode."""

    name: ClassVar[str] = "windows-dll"

    @classmethod
    def takes(cls, spec: CollectionSpec) -> bool:
        """Tell whether it is bytecode for Windows."""
        return super().takes(spec) and not isinstance(spec, NativeImageSpec)

    def load(self, spec: CollectionSpec, options: LoadOptions | None = None) -> Collection:
        """Load a spec, all of it or nothing."""
        options = options or LoadOptions()
        self.refuse_platform(spec)
        if isinstance(spec, NativeImageSpec):
            raise UsageError("a native image has no bytecode: load it with loader windows-native")
        runtime = self.require_available()
        require_options(options, spec)
        require_loadable(spec)
        with doing("ask how many processors there are"):
            cpus = runtime.possible_cpus()
        session = Session(spec, options, runtime, cpus)
        try:
            collection = _load(session)
        except BaseException:
            session.undo.run()
            raise
        session.undo.forget()
        return collection


def _load(session: Session) -> WindowsCollection:
    create_maps(session)
    loaded = {
        program.name: (program, *load_program(session, program))
        for program in session.spec.programs
        if session.is_selected(program)
    }
    fill_program_arrays(session, {name: fd for name, (_, fd, _) in loaded.items()})
    targets = session.options.attach_to
    programs = {
        name: WindowsProgram(fd, name=name, spec=program, log=log, target=targets.get(name))
        for name, (program, fd, log) in loaded.items()
    }
    return WindowsCollection(session.spec, _map_handles(session), programs)


def _map_handles(session: Session) -> dict[str, WindowsMap]:
    made: dict[str, WindowsMap] = {}
    for item, fd in zip(session.spec.maps, session.maps, strict=True):
        with doing(f"ask about map `{item.name}`"):
            info = map_info(session.runtime, fd.number)
        # efW keeps no types; those of the object are as good.
        info = info._replace(key_type_id=item.key_type_id, value_type_id=item.value_type_id)
        btf, cpus = session.spec.btf, session.cpus
        made[item.name] = WindowsMap(fd, name=item.name, spec=item, info=info, btf=btf, cpus=cpus)
    return made
