"""What other people may rely on, as a text that is reviewed when it changes.

``EBPF_STATIC_UPDATE_GOLDEN=1 pytest tests/test_public_api.py`` writes it.
"""

from __future__ import annotations

import enum
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import pydantic

import ebpf_static

FILE = Path(__file__).with_name("public_api.txt")
_OURS = "ebpf_static"


def describe() -> str:
    """Return every public name with what it takes and has, one line each."""
    lines = []
    for name in sorted(ebpf_static.__all__):
        value = getattr(ebpf_static, name)
        if inspect.isclass(value):
            lines.append(f"class {name}({', '.join(_bases(value))})")
            lines += [f"    {line}" for line in sorted(_members(value))]
        elif callable(value):
            lines.append(f"def {name}{_signature(value)}")
        else:
            lines.append(f"{name}: {type(value).__name__}")
    return "\n".join(lines) + "\n"


def _bases(cls: type) -> list[str]:
    return [base.__name__ for base in cls.__bases__ if base is not object]


def _members(cls: type) -> Iterator[str]:
    fields = set()
    if issubclass(cls, pydantic.BaseModel):
        for name, field in cls.model_fields.items():
            fields.add(name)
            yield f"{name}{'' if field.is_required() else ' (optional)'}"
    elif issubclass(cls, enum.Enum):
        yield from (f"{member.name} = {member.value!r}" for member in cls)
    seen = set(fields)
    for owner in cls.__mro__:
        if not owner.__module__.startswith(_OURS):
            continue
        for name, value in vars(owner).items():
            if not name.startswith(("_", "model_")) and name not in seen:
                seen.add(name)
                yield from _member(name, value)
        for name in inspect.get_annotations(owner):
            if not name.startswith(("_", "model_")) and name not in seen:
                seen.add(name)
                yield name


def _member(name: str, value: object) -> Iterator[str]:
    wrapped = getattr(value, "wrapped", value)  # pydantic's computed fields
    if isinstance(wrapped, classmethod | staticmethod):
        yield f"def {name}{_signature(wrapped.__func__)}"
    elif inspect.isfunction(wrapped):
        yield f"def {name}{_signature(wrapped)}"
    elif not isinstance(wrapped, enum.Enum):
        yield name


def _signature(function: object) -> str:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    shown = []
    for parameter in parameters:
        text = parameter.name
        if parameter.default is not inspect.Parameter.empty:
            text += "=…"
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            text = f"*{text}"
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            text = f"**{text}"
        shown.append(text)
    return f"({', '.join(shown)})"


def test_the_public_api_changes_on_purpose_only() -> None:
    text = describe()
    if os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"):
        FILE.write_text(text, encoding="utf-8", newline="\n")
    assert text == FILE.read_text("utf-8")


def test_every_public_name_is_documented() -> None:
    for name in ebpf_static.__all__:
        value = getattr(ebpf_static, name)
        if callable(value):
            assert value.__doc__, name
