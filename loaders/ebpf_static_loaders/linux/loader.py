"""The loader: one spec into the running kernel, all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from ebpf_static.errors import LoaderUnavailableError, UsageError
from ebpf_static.loading import Collection, Link, Loader, LoadOptions, Map, Program
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_loaders.linux import btf_load, externs, maps, struct_ops
from ebpf_static_loaders.linux.errors import doing, explain_refusal
from ebpf_static_loaders.linux.features import Features, try_program
from ebpf_static_loaders.linux.handles import LinuxMap
from ebpf_static_loaders.linux.host import Host
from ebpf_static_loaders.linux.initial import check_variables
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.link_code import Linker
from ebpf_static_loaders.linux.pins import iter_pins
from ebpf_static_loaders.linux.preflight import require_loadable
from ebpf_static_loaders.linux.program import LinuxProgram
from ebpf_static_loaders.linux.programs import LoadedProgram, load_programs
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.reuse import map_info
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.linux.struct_ops import StructOps
from ebpf_static_loaders.linux.syscall import LinuxSystem, System, syscall_problem
from ebpf_static_loaders.linux.targets import read_btf_by_id

_RETURN_0 = b"\xb7\0\0\0\0\0\0\0\x95\0\0\0\0\0\0\0"
_MEMLOCK = 8  # RLIMIT_MEMLOCK on every architecture of the table but those Linux names otherwise


class LinuxLoader(Loader):
    """Loads into the running kernel with ``bpf(2)``, without libbpf."""

    name: ClassVar[str] = "linux"
    platform: ClassVar[Platform | None] = Platform.LINUX

    _features: ClassVar[Features | None] = None

    def __init__(self, system: System | None = None) -> None:
        """Prepare to load; tests hand in a ``system`` of their own."""
        self._system = system
        self._works = False

    def profile(self) -> dict[str, Any]:
        """Return what the running kernel has.

        Raises:
            LoaderUnavailableError: nothing can be loaded from this process.
        """
        problem = self.available()
        if problem is not None:
            raise LoaderUnavailableError(problem)
        from ebpf_static_loaders.linux.profiling import make_profile

        return make_profile(self.system(), Host(self.system()))

    def available(self) -> str | None:
        """Return why nothing can be loaded from this process, None when something can."""
        if self._system is None:
            problem = syscall_problem()
            if problem is not None:
                return problem
        if self._works:
            return None
        _raise_memlock()
        code = try_program(self.system(), _RETURN_0)
        self._works = not code
        return explain_refusal(code) if code else None

    def system(self) -> System:
        """Return the calls used, made on first use."""
        if self._system is None:
            self._system = LinuxSystem()
        return self._system

    def load(self, spec: CollectionSpec, options: LoadOptions | None = None) -> Collection:
        """Load a spec, all of it or nothing."""
        options = options or LoadOptions()
        self.refuse_platform(spec)
        # With a token the process itself need not be allowed anything.
        problem = self.available() if options.token_dir is None else None
        if problem is not None:
            raise LoaderUnavailableError(problem)
        session = self._session(spec, options)
        try:
            return _load(session)
        except BaseException:
            session.undo.run()
            raise
        finally:
            session.host.close()
            if session.token is not None:
                session.token.close()

    def _session(self, spec: CollectionSpec, options: LoadOptions) -> Session:
        system = self.system()
        return Session(
            spec=spec,
            options=options,
            system=system,
            features=self._known_features(system),
            host=Host(system, btf_file=options.kernel_btf, config=options.kernel_config),
        )

    def _known_features(self, system: System) -> Features:
        """Return what is known of the kernel; of the running one it is kept for the process."""
        if not isinstance(system, LinuxSystem):
            return Features(system)
        if LinuxLoader._features is None:
            LinuxLoader._features = Features(system)
        return LinuxLoader._features

    def open_map(self, path: str) -> Map:
        """Return the map pinned at ``path``, with the types the kernel holds of it."""
        system = self.system()
        with doing(f"open the pin {path}"):
            fd = Fd(system, system.bpf(Command.OBJ_GET, {"pathname": _c_path(path)}).value)
        with doing(f"ask about the map pinned at {path}"):
            info = map_info(system, fd.number)
            btf = read_btf_by_id(system, info.btf_id) if info.btf_id else None
        cpus = Host(system).possible_cpus
        return LinuxMap(fd, name=info.name, spec=None, info=info, btf=btf, cpus=cpus)

    def unload(self, path: str) -> Sequence[str]:
        """Remove the pin at ``path``, or every pin and directory below it."""
        system = self.system()
        removed = iter_pins(path)
        for pin in removed:
            with doing(f"remove the pin {pin}"):
                system.unlink(pin)
        with suppress(OSError):
            for folder, _, _ in os.walk(path, topdown=False):
                if folder != path:
                    os.rmdir(folder)  # noqa: PTH106 - a BPF file system, not the user's files
        return removed


def _c_path(path: str) -> bytes:
    return os.fsencode(path) + b"\0"


def _raise_memlock() -> None:
    """Lift the limit kernels before 5.11 count maps against; later ones ignore it."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)


def _load(session: Session) -> LinuxCollection:
    require_loadable(session)
    check_variables(session)
    _take_token(session)
    resolved = externs.resolve(session)
    session.btf = btf_load.load(session)
    struct_ops.prepare(session)
    maps.create_maps(session)
    programs = load_programs(session, Linker(session, resolved))
    maps.fill_program_arrays(session, {program.spec.name: program.fd for program in programs})
    collection = LinuxCollection(session, programs)
    session.undo.forget()
    return collection


def _take_token(session: Session) -> None:
    if session.options.token_dir is None:
        return
    with doing(f"create a BPF token from {session.options.token_dir}"):
        folder = session.system.open_path(session.options.token_dir)
        try:
            fd = session.system.bpf(Command.TOKEN_CREATE, {"bpffs_fd": folder}).value
        finally:
            session.system.close(folder)
    session.token = Fd(session.system, fd)


class LinuxCollection(Collection):
    """What one load put into the kernel."""

    def __init__(self, session: Session, programs: Sequence[LoadedProgram]) -> None:
        self.spec = session.spec
        self._btf_fd = session.btf
        self._system = session.system
        self._struct_ops: dict[str, tuple[LinuxMap, StructOps]] = {}
        self._program_fds = {program.spec.name: program.fd for program in programs}
        self.maps: Mapping[str, LinuxMap] = self._make_maps(session)
        self.programs: Mapping[str, Program] = {
            program.spec.name: LinuxProgram(
                program.fd, name=program.spec.name, spec=program.spec, log=program.log
            )
            for program in programs
        }
        self.links: list[Link] = []
        self._closed = False

    def _make_maps(self, session: Session) -> dict[str, LinuxMap]:
        made: dict[str, LinuxMap] = {}
        for index, (item, fd) in enumerate(zip(session.spec.maps, session.maps, strict=True)):
            if fd is None:
                continue
            with doing(f"ask about map `{item.name}`"):
                info = map_info(session.system, fd.number)
            if not info.key_type_id and not info.value_type_id:
                # Types the kernel does not take are still good for people.
                info = info._replace(key_type_id=item.key_type_id, value_type_id=item.value_type_id)
            btf = session.types
            cpus = session.host.possible_cpus
            handle = LinuxMap(fd, name=item.name, spec=item, info=info, btf=btf, cpus=cpus)
            made.setdefault(item.name, handle)
            ops = session.struct_ops.get(index)
            if isinstance(ops, StructOps):
                self._struct_ops[item.name] = (handle, ops)
        return made

    def attach(self, name: str, target: str | None = None, **options: Any) -> Link:
        """Attach a program, or register a struct_ops map."""
        if name in self._struct_ops:
            from ebpf_static_loaders.linux.attach import attach_struct_ops

            handle, ops = self._struct_ops[name]
            link = attach_struct_ops(handle, ops.value(self._program_fds))
        elif name in self.programs:
            link = self.programs[name].attach(target, **options)
        else:
            raise UsageError(f"nothing called `{name}` is loaded that could be attached")
        self.links.append(link)
        return link

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """End its attachments and close every descriptor."""
        self._closed = True
        for handle in (*reversed(self.links), *self.programs.values(), *self.maps.values()):
            with suppress(OSError):
                handle.close()
        if self._btf_fd is not None:
            self._btf_fd.close()
