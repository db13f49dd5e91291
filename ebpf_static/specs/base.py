"""The bases every spec shares: frozen models and tuples that can also be asked by name."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Protocol, Self, TypeVar, get_args, overload

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema


class FrozenModel(BaseModel):
    """A value: immutable, hashable by content, refusing fields it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        defer_build=True,
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed; what was computed from fields is not copied."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


def _write_text(text: str) -> str | dict[str, str]:
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}


def _read_text(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("base64"), str) and len(value) == 1:
        return base64.b64decode(value["base64"], validate=True).decode("utf-8", "surrogateescape")
    return value


Text = Annotated[str, PlainSerializer(_write_text, when_used="json"), BeforeValidator(_read_text)]
"""Text out of an object. What is no UTF-8 is kept as lone surrogates, which JSON cannot carry:
there such a text is ``{"base64": …}`` instead of a string."""


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """The name, possibly empty and possibly not unique."""


T = TypeVar("T", bound=Named)
D = TypeVar("D")


class ByName(tuple[T, ...]):
    """An ordered tuple of named things that can also be asked by name.

    Nothing is lost when names repeat or are empty: the tuple holds everything in the object's
    order, and asking by name gives the *first* thing so called.
    """

    __slots__ = ()

    @overload  # type: ignore[override]
    def __getitem__(self, key: str) -> T: ...
    @overload
    def __getitem__(self, key: int) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[T, ...]: ...
    def __getitem__(self, key: str | int | slice) -> T | tuple[T, ...]:
        """Return by position, or the first item called ``key``.

        Raises:
            KeyError: no item has that name.
        """
        if isinstance(key, str):
            for item in self:
                if item.name == key:
                    return item
            raise KeyError(key)
        return super().__getitem__(key)

    @overload
    def get(self, name: str) -> T | None: ...
    @overload
    def get(self, name: str, default: D) -> T | D: ...
    def get(self, name: str, default: D | None = None) -> T | D | None:
        """Return the first item called ``name``, or ``default``."""
        for item in self:
            if item.name == name:
                return item
        return default

    def get_all(self, name: str) -> tuple[T, ...]:
        """Return every item called ``name``, in order."""
        return tuple(item for item in self if item.name == name)

    def keys(self) -> tuple[str, ...]:
        """Return the names in order, repeats included."""
        return tuple(item.name for item in self)

    def values(self) -> tuple[T, ...]:
        """Return the items in order."""
        return tuple(self)

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield (name, item) pairs in order, repeats included."""
        return ((item.name, item) for item in self)

    def __contains__(self, key: object) -> bool:
        """Tell whether a name (given text) or an item is there."""
        if isinstance(key, str):
            return any(item.name == key for item in self)
        return super().__contains__(key)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate and serialise as the tuple it is."""
        (item,) = get_args(source) or (Any,)
        inner = handler.generate_schema(tuple[item, ...])  # type: ignore[valid-type]
        return core_schema.no_info_after_validator_function(cls, inner)
