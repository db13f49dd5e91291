"""The object's types into the kernel: completed from the ELF, and made plain for old kernels.

Source: libbpf ``src/libbpf.c`` (1.7): ``btf_fixup_datasec``, the end of
``bpf_object__collect_externs``, ``bpf_object__sanitize_btf``,
``bpf_object__sanitize_and_load_btf``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Datasec, Func, FuncProto, Int, Var
from ebpf_static.formats.externs import layout_kconfig
from ebpf_static.specs import CollectionSpec
from ebpf_static_loaders.linux.btf_edit import BtfEditor
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.features import Feature, Features
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.linux.syscall import Value

_LOG_BYTES: Final = 64 << 10
_ENOENT: Final = 2
_ESRCH: Final = 3
_VAR_GLOBAL: Final = 1
_TOKEN_FD: Final = 1 << 16
_DUMMY: Final = "dummy_ksym"
_NEEDED_BY: Final = frozenset({"STRUCT_OPS"})
_INT_8: Final = 8


def complete(spec: CollectionSpec) -> BtfEditor:
    """Return the object's BTF with what only the ELF knows written into it.

    Raises:
        LoadRejectedError: it names sections or variables the object does not have.
    """
    if spec.btf is None:
        raise rejected("the object has no usable .BTF", _ENOENT, rule="BTF001")
    editor = BtfEditor(spec.btf)
    _place_variables(spec, editor)
    _place_externs(spec, editor)
    _hide_functions(spec, editor)
    return editor


def load(session: Session) -> Fd | None:
    """Return the object's types loaded, None when the kernel takes none and none are needed.

    Raises:
        LoadRejectedError: a map or program cannot do without them.
    """
    system, spec, undo = session.system, session.spec, session.undo
    if spec.btf is None:
        return None
    needed = any(m.type.name in _NEEDED_BY for m in spec.maps)
    raw = complete(spec).build()
    session.types = Btf.parse(raw)
    fd, code, log = _try_load(session, raw)
    if fd < 0:
        plain = sanitise(spec, session.features)
        if plain is not None:
            fd, code, log = _try_load(session, plain)
    if fd >= 0:
        return undo.own(Fd(system, fd))
    if needed:
        raise rejected("cannot load the object's types, which its maps need", code, log)
    return None


def sanitise(spec: CollectionSpec, features: Features) -> bytes | None:
    """Return the types in the words an older kernel knows, None when it knows no types."""
    if not features.has(Feature.BTF):
        return None
    editor = complete(spec)
    for feature, kinds, change in _CHANGES:
        for kind in kinds:
            found = list(editor.iter_ids(kind))
            if found and not features.has(feature):
                for type_id in found:
                    change(editor, type_id)
    if any(True for _ in editor.iter_ids(Kind.ENUM64)) and not features.has(Feature.BTF_ENUM64):
        _without_enum64(editor)
    return editor.build()


def _try_load(session: Session, raw: bytes) -> tuple[int, int, str]:
    system = session.system
    fields: dict[str, Value] = {"btf": raw, "btf_size": len(raw)}
    if session.token is not None:
        fields |= {"btf_token_fd": session.token.number, "btf_flags": _TOKEN_FD}
    try:
        return system.bpf(Command.BTF_LOAD, fields).value, 0, ""
    except OSError as error:
        code = error.errno or 0
    log = bytearray(_LOG_BYTES)
    fields |= {"btf_log_buf": log, "btf_log_size": len(log), "btf_log_level": 1}
    try:
        return system.bpf(Command.BTF_LOAD, fields).value, 0, ""
    except OSError:
        return -1, code, bytes(log).partition(b"\0")[0].decode("utf-8", "replace")


# --- what only the ELF knows -----------------------------------------------------------------


def _place_variables(spec: CollectionSpec, editor: BtfEditor) -> None:
    offsets = {(v.section, v.btf_id): v.offset for v in spec.variables}
    offsets |= {(m.section, m.btf_id): m.section_offset for m in spec.maps if m.btf_id is not None}
    for type_id in editor.btf.iter_ids(Kind.DATASEC):
        datasec = editor.btf.type(type_id)
        if not isinstance(datasec, Datasec) or datasec.name in (".kconfig", ".ksyms"):
            continue
        entries = [[entry.type_id, entry.offset, entry.size] for entry in datasec.vars]
        if not datasec.size:
            editor.set_word(type_id, 2, _section_size(spec, datasec.name))
            for entry in entries:
                entry[1] = offsets.get((datasec.name, entry[0]), entry[1])
        entries.sort(key=lambda entry: entry[1])
        _write_entries(editor, type_id, entries)


def _section_size(spec: CollectionSpec, name: str) -> int:
    section = None if spec.elf is None else spec.elf.find_section(name)
    if section is None or not section.size:
        raise rejected(f"the types describe section `{name}`, which the object has not", _ENOENT)
    return section.size


def _write_entries(editor: BtfEditor, type_id: int, entries: list[list[int]]) -> None:
    for position, entry in enumerate(entries):
        for index, value in enumerate(entry):
            editor.set_word(type_id, 3 + 3 * position + index, value)


def _place_externs(spec: CollectionSpec, editor: BtfEditor) -> None:
    """Turn extern declarations into variables the kernel takes."""
    btf = editor.btf
    offsets, size = layout_kconfig(tuple(spec.externs), btf)
    for type_id in btf.iter_ids(Kind.DATASEC):
        datasec = btf.type(type_id)
        if not isinstance(datasec, Datasec):
            continue
        if datasec.name == ".kconfig":
            entries = [
                [e.type_id, offsets.get(btf.name(e.type_id), 0), e.size] for e in datasec.vars
            ]
            for entry in datasec.vars:
                editor.set_word(entry.type_id, 3, _VAR_GLOBAL)
            editor.set_word(type_id, 2, size)
            _write_entries(editor, type_id, sorted(entries, key=lambda entry: entry[1]))
        elif datasec.name == ".ksyms":
            _place_ksyms(editor, type_id, datasec)


def _place_ksyms(editor: BtfEditor, type_id: int, datasec: Datasec) -> None:
    btf = editor.btf
    integer = _find_int(editor)
    dummy_name = editor.add_string(_DUMMY)
    dummy = 0
    entries = []
    for position, entry in enumerate(datasec.vars):
        found = btf.type(entry.type_id)
        shown = entry.type_id
        if isinstance(found, Func):
            if not dummy:
                dummy = editor.add_type(dummy_name, Kind.VAR << 24, integer, _VAR_GLOBAL)
            _name_parameters(editor, found, dummy_name)
            editor.set_kind(found.id, Kind.FUNC, 1)  # global linkage
            shown = dummy
        elif isinstance(found, Var):
            editor.set_word(found.id, 3, _VAR_GLOBAL)
            editor.set_word(found.id, 2, integer)
        entries.append([shown, 4 * position, 4])
    editor.set_word(type_id, 2, 4 * len(entries))
    _write_entries(editor, type_id, entries)


def _find_int(editor: BtfEditor) -> int:
    """Return a 4-byte integer type to stand for symbols of the kernel, added when there is none."""
    for type_id in editor.btf.iter_ids(Kind.INT):
        found = editor.btf.type(type_id)
        if isinstance(found, Int) and found.size == 4 and found.bits == 32 and found.offset == 0:
            return type_id
    return editor.add_type(editor.add_string("int"), Kind.INT << 24, 4, 0x01000020)


def _name_parameters(editor: BtfEditor, function: Func, name: int) -> None:
    proto = editor.btf.type(function.type_id)
    if isinstance(proto, FuncProto):
        for index, parameter in enumerate(proto.params):
            if parameter.type_id and not parameter.name:
                editor.set_word(proto.id, 3 + 2 * index, name)


def _hide_functions(spec: CollectionSpec, editor: BtfEditor) -> None:
    """Make hidden subprograms static, so that the verifier follows calls into them."""
    programs = {id(program) for program in spec.programs}
    for function in spec.functions:
        if function.hidden and function.linkage != "static" and id(function) not in programs:
            type_id = editor.btf.find(function.name, Kind.FUNC)
            if type_id is not None and editor.word(type_id, 1) & 0xFFFF == 1:
                editor.set_kind(type_id, Kind.FUNC, 0)


# --- words for older kernels -----------------------------------------------------------------


def _variable(editor: BtfEditor, type_id: int) -> None:
    editor.set_kind(type_id, Kind.INT, 0)
    editor.set_word(type_id, 2, 1)  # the smallest size cannot overlap anything
    editor.set_word(type_id, 3, _INT_8)


def _datasec(editor: BtfEditor, type_id: int) -> None:
    datasec = editor.btf.type(type_id)
    if not isinstance(datasec, Datasec):
        return
    name = "".join(c if c.isalnum() or c == "_" else "_" for c in datasec.name)
    editor.set_word(type_id, 0, editor.add_string(name))
    editor.set_kind(type_id, Kind.STRUCT)
    for index in range(len(datasec.vars)):
        at = 3 + 3 * index
        variable, offset = editor.word(type_id, at), editor.word(type_id, at + 1)
        editor.set_word(type_id, at, editor.word(variable, 0) if variable < len(editor.btf) else 0)
        editor.set_word(type_id, at + 1, variable)
        editor.set_word(type_id, at + 2, 8 * offset)


def _question_mark(editor: BtfEditor, type_id: int) -> None:
    name = editor.btf.name(type_id)
    if "?" in name:
        editor.set_word(type_id, 0, editor.add_string(name.replace("?", "_")))


def _prototype(editor: BtfEditor, type_id: int) -> None:
    editor.set_kind(type_id, Kind.ENUM)
    editor.set_word(type_id, 2, 4)
    for index in range(editor.btf.vlen(type_id)):
        # What was a parameter without a name is an enumerator, which has to have one.
        if not editor.word(type_id, 3 + 2 * index):
            editor.set_word(type_id, 3 + 2 * index, editor.add_string("argument"))


def _function(editor: BtfEditor, type_id: int) -> None:
    editor.set_kind(type_id, Kind.TYPEDEF, 0)


def _global_function(editor: BtfEditor, type_id: int) -> None:
    if editor.word(type_id, 1) >> 24 & 0x1F == Kind.FUNC:
        editor.set_kind(type_id, Kind.FUNC, 0)


def _float(editor: BtfEditor, type_id: int) -> None:
    editor.set_kind(type_id, Kind.STRUCT, 0)


def _decl_tag(editor: BtfEditor, type_id: int) -> None:
    editor.set_kind(type_id, Kind.INT, 0)
    editor.set_word(type_id, 2, 1)
    editor.set_word(type_id, 3, _INT_8)


def _type_tag(editor: BtfEditor, type_id: int) -> None:
    editor.set_word(type_id, 0, 0)
    editor.set_kind(type_id, Kind.CONST, 0)


def _without_enum64(editor: BtfEditor) -> None:
    """64-bit enumerations become unions whose members carry the names."""
    placeholder = editor.add_type(editor.add_string("enum64_placeholder"), Kind.INT << 24, 8, 64)
    for type_id in editor.btf.iter_ids(Kind.ENUM):
        editor.clear_kflag(type_id)
    for type_id in editor.btf.iter_ids(Kind.ENUM64):
        editor.set_kind(type_id, Kind.UNION)
        for index in range(editor.btf.vlen(type_id)):
            editor.set_word(type_id, 4 + 3 * index, placeholder)
            editor.set_word(type_id, 5 + 3 * index, 0)


_CHANGES: Final[tuple[tuple[Feature, tuple[Kind, ...], Callable[[BtfEditor, int], None]], ...]] = (
    # Sections come first: their members take the names variables have.
    (Feature.BTF_DATASEC, (Kind.DATASEC,), _datasec),
    (Feature.BTF_DATASEC, (Kind.VAR,), _variable),
    (Feature.BTF_QMARK_DATASEC, (Kind.DATASEC,), _question_mark),
    (Feature.BTF_FUNC, (Kind.FUNC_PROTO,), _prototype),
    (Feature.BTF_FUNC, (Kind.FUNC,), _function),
    (Feature.BTF_GLOBAL_FUNC, (Kind.FUNC,), _global_function),
    (Feature.BTF_FLOAT, (Kind.FLOAT,), _float),
    (Feature.BTF_TYPE_TAG, (Kind.TYPE_TAG,), _type_tag),
    (Feature.BTF_DECL_TAG, (Kind.DECL_TAG,), _decl_tag),
)
