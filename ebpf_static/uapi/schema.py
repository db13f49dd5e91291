"""How pydantic models read and write constants; imported only when a model has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import core_schema as schema

if TYPE_CHECKING:
    from ebpf_static.uapi.constants import UapiConstant

LOWEST, HIGHEST = -(1 << 31), (1 << 32) - 1
"""Numbers in an object are 32 bits wide, signed in an insn and unsigned elsewhere."""


def constant_schema(cls: type[UapiConstant]) -> schema.CoreSchema:
    """Return the schema of ``cls``: an instance, or the dict of its ``to_dict``."""
    read = schema.no_info_after_validator_function(cls.from_dict, _fields(cls, for_reading=True))
    return schema.json_or_python_schema(
        json_schema=read,
        python_schema=schema.union_schema([schema.is_instance_schema(cls), read]),
        serialization=schema.plain_serializer_function_ser_schema(
            cls.to_dict, return_schema=_fields(cls, for_reading=False)
        ),
    )


def _fields(cls: type[UapiConstant], *, for_reading: bool) -> schema.TypedDictSchema:
    """Return the shape of the dict; a reader needs only platform and number."""
    text = schema.typed_dict_field(schema.str_schema(), required=not for_reading)
    fields = {
        "platform": schema.typed_dict_field(schema.literal_schema(["linux", "windows"])),
        "number": schema.typed_dict_field(schema.int_schema(ge=LOWEST, le=HIGHEST)),
        "name": text,
        "uapi": text,
    }
    if cls.__name__ == "HelperId":
        from ebpf_static.uapi.constants import ProgramType

        scope = _fields(ProgramType, for_reading=for_reading)
        fields["scope"] = schema.typed_dict_field(scope, required=False)
    return schema.typed_dict_schema(fields, extra_behavior="forbid")
