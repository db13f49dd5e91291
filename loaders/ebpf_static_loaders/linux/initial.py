"""What maps of global variables and of kernel options hold when programs start."""

from __future__ import annotations

from typing import Any

from ebpf_static.errors import UsageError
from ebpf_static.kernel.kconfig import resolve_kconfig
from ebpf_static.specs import ExternKind, MapOrigin, MapSpec, VariableSpec
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.typed import encode

_ESRCH = 3
_ENOENT = 2


def is_read_only(item: MapSpec) -> bool:
    """Tell whether programs only read the map, so that it is frozen once filled."""
    return item.origin is MapOrigin.KCONFIG or item.section.startswith(".rodata")


def initial_contents(session: Session, item: MapSpec) -> bytes:
    """Return the bytes of a map of variables, the user's own values in place.

    Raises:
        UsageError: a value does not fit its variable.
        LoadRejectedError: the kernel lacks an option the object needs.
    """
    if item.origin is MapOrigin.KCONFIG:
        return _kconfig(session, item)
    contents = bytearray((item.data or b"").ljust(item.value_size, b"\0")[: item.value_size])
    for variable in session.spec.variables:
        if variable.section == item.section and variable.name in session.options.variables:
            value = _encoded(session, variable, session.options.variables[variable.name])
            contents[variable.offset : variable.offset + len(value)] = value
    return bytes(contents)


def check_variables(session: Session) -> None:
    """Refuse values for variables the object does not have.

    Raises:
        UsageError: which it does not have.
    """
    known = {variable.name for variable in session.spec.variables}
    missing = sorted(set(session.options.variables) - known)
    if missing:
        raise UsageError(f"the object has no global variable `{missing[0]}`")


def _encoded(session: Session, variable: VariableSpec, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        raw = bytes(value)
    elif session.spec.btf is not None and variable.btf_id is not None:
        raw = encode(session.spec.btf, variable.btf_id, value)
    elif isinstance(value, int):
        order = session.spec.byte_order
        raw = (value % (1 << 8 * variable.size)).to_bytes(variable.size, order)
    else:
        raise UsageError(f"variable `{variable.name}` has no type: give bytes or a number")
    if len(raw) > variable.size:
        raise UsageError(
            f"variable `{variable.name}` has {variable.size} bytes, the value {len(raw)}"
        )
    return raw.ljust(variable.size, b"\0")


def _kconfig(session: Session, item: MapSpec) -> bytes:
    values = resolve_kconfig(session.spec, session.host.version, session.host.config)
    if values.problems:
        problem = values.problems[0]
        raise rejected(f"kernel option `{problem.name}` {problem.what}", _ESRCH, rule="REL202")
    if None in values.data and not session.host.pretends:
        name = _unknown_option(session)
        raise rejected(
            f"kernel option `{name}` cannot be read: no /proc/config.gz, no /boot/config-*",
            _ENOENT,
        )
    return bytes(value or 0 for value in values.data).ljust(item.value_size, b"\0")


def _unknown_option(session: Session) -> str:
    externs = (e for e in session.spec.externs if e.kind is ExternKind.KCONFIG)
    return next((e.name for e in externs if e.name.startswith("CONFIG_")), "?")
