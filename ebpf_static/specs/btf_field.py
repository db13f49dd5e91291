"""How models write BTF and read it back: as its raw bytes in base64, the whole of what it says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.errors import ObjectError
from ebpf_static.specs.section import ElfSpec


class _Base64:
    """The schema of a type that is its bytes; ``thaw`` makes one of them and the fields before."""

    def __init__(self, kind: type[Any], thaw: Callable[[bytes, dict[str, Any]], Any]) -> None:
        self._kind = kind
        self._thaw = thaw

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        del source, handler
        return core_schema.with_info_before_validator_function(
            self._read,
            core_schema.is_instance_schema(self._kind),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: base64.b64encode(value.raw).decode("ascii"), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema, handler
        return {"type": "string", "contentEncoding": "base64"}

    def _read(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if not isinstance(value, str | bytes):
            return value
        try:
            return self._thaw(base64.b64decode(value, validate=True), info.data)
        except (binascii.Error, ObjectError) as error:
            raise ValueError(str(error)) from error


def _file_offset(fields: dict[str, Any], section: str) -> int:
    """Return where a section of the object is, which only error messages want to know."""
    elf = fields.get("elf")
    found = elf.find_section(section) if isinstance(elf, ElfSpec) else None
    return 0 if found is None else found.offset


def _thaw_btf(raw: bytes, fields: dict[str, Any]) -> Btf:
    return Btf.parse(raw, file_offset=_file_offset(fields, ".BTF"))


def _thaw_ext(raw: bytes, fields: dict[str, Any]) -> BtfExt:
    btf = fields.get("btf")
    if btf is None:
        raise ValueError("needs the .BTF that holds its strings")
    return BtfExt.parse(raw, btf, file_offset=_file_offset(fields, ".BTF.ext"))


BtfField = Annotated[Btf, _Base64(Btf, _thaw_btf)]
"""A :class:`~ebpf_static.btf.Btf` in a model."""

BtfExtField = Annotated[BtfExt, _Base64(BtfExt, _thaw_ext)]
"""A :class:`~ebpf_static.btf.BtfExt` in a model that has its ``btf`` in a field before."""
