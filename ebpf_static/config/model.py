"""What can be configured: the one place that names the keys, their types and their meaning.

The published JSON Schema (``ebpf-static schema config``) is made from these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_TEXT = {"type": "string"}
_REASONS: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "items": _TEXT},
        {"type": "object", "additionalProperties": _TEXT},
    ]
}


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _with_reasons(value: Any) -> Any:
    """Return selectors with their reasons; a list gives none."""
    if isinstance(value, list):
        return {item: "" for item in value if isinstance(item, str)} if _all_text(value) else value
    return value


def _all_text(value: list[Any]) -> bool:
    return all(isinstance(item, str) for item in value)


def _named(value: Any) -> Any:
    """Return targets by name; a list names them after themselves."""
    if isinstance(value, list) and _all_text(value):
        return {item: {} for item in value}
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Reasons = Annotated[dict[str, str], BeforeValidator(_with_reasons), WithJsonSchema(_REASONS)]
"""Rules not to be counted: a list, or a table of reasons."""

Paths = Annotated[
    list[str],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]
"""One path or several."""

SeverityName = Literal["error", "warning", "note"]


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=False
    )


class TargetSettings(_Settings):
    """A target with a name of its own."""

    target: str | None = Field(
        None, description="platform and release, such as linux:6.1; by default the name itself"
    )
    btf: Paths = Field(
        [], description="files with the kernel's types and those of its modules, the kernel's first"
    )
    kconfig: str | None = Field(None, description="the kernel's build configuration (.config)")
    profile: str | None = Field(
        None, description="what one such machine said of itself (ebpf-static probe)"
    )
    arch: str | None = Field(None, description="its processor: x86_64 (the default), arm64, s390 …")
    page_size: int | None = Field(
        None, description="bytes of its pages; by default what is usual on that processor"
    )
    loader: str | None = Field(
        None,
        description="the library that loads objects there: libbpf, cilium or aya, or cilium:0.22",
    )
    default: bool = Field(
        True,
        description="judge for it unless --target names others; false: only when named",
    )


class _NamesOrTable:
    """Makes the schema of targets say that a list of names will do."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "array", "items": _TEXT}, handler(core)]}


Targets = Annotated[dict[str, TargetSettings], BeforeValidator(_named), _NamesOrTable()]
"""Targets by name, or a list of them."""


class Settings(_Settings):
    """Settings of ebpf-static: ebpf-static.toml, or [tool.ebpf-static] of pyproject.toml."""

    extend: str | None = Field(
        None, description="a configuration file whose settings hold where this one has none"
    )
    platform: Literal["linux", "windows"] | None = Field(
        None, description="judge for any release of this platform"
    )
    loader: str | None = Field(
        None,
        description="the library that loads objects on Linux, on targets that name none: libbpf "
        "(the default), cilium or aya, or with a release such as libbpf:0.8",
    )
    targets: Targets = Field(
        {},
        description="platforms and releases to judge for: a list, or a table of named targets",
    )
    btf: dict[str, Paths] = Field({}, description="files with types, by target")
    kconfig: dict[str, str] = Field({}, description="files with build configurations, by target")
    select: list[str] | None = Field(
        None, description="rules to run: codes, prefixes, names or ALL (the default)"
    )
    extend_select: list[str] = Field([], description="rules to run beside those selected")
    ignore: Reasons = Field(
        {},
        description="rules to leave out (a list), or whose findings do not count (a table of "
        "reasons, which reports show)",
    )
    per_file_ignores: dict[str, Reasons] = Field(
        {}, description="the same for objects whose path matches a glob pattern"
    )
    per_target_ignores: dict[str, Reasons] = Field(
        {}, description="the same for findings about one target, or about one platform"
    )
    rules: dict[str, SeverityName | Literal["ignore"]] = Field(
        {}, description="severity of all findings of a rule, by code or name; ignore leaves it out"
    )
    fail_on: SeverityName | None = Field(
        None, description="the mildest severity that exits with 1 (default: error)"
    )
    min_confidence: Literal["low", "medium", "high"] | None = Field(
        None, description="findings less sure than this do not count (default: low)"
    )
    strict: bool | None = Field(
        None, description="what cannot be decided or read is an error (default: false)"
    )
    output_format: str | None = Field(
        None, description="format of reports (default: full); not for commands other than check"
    )
    cache_dir: str | None = Field(
        None, description="directory to keep reports in, so that nothing is judged twice"
    )
    baseline: str | None = Field(None, description="file with findings known and accepted")
    exclude: list[str] = Field(
        [], description="glob patterns of paths or names to pass over in directories"
    )
    force_exclude: bool | None = Field(
        None, description="exclude even files that are named (default: false)"
    )
    respect_gitignore: bool | None = Field(
        None, description="pass over what git ignores in directories (default: false)"
    )
    remap_path: dict[str, str] = Field(
        {}, description="beginnings of source paths in debug information, and what replaces them"
    )
