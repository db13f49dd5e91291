"""Platform-neutral facts and a platform become a spec."""

from __future__ import annotations

from ebpf_static.formats.draft import ObjectDraft
from ebpf_static.interpret.maps import interpret_maps
from ebpf_static.interpret.programs import interpret_functions
from ebpf_static.specs import ByName, CollectionSpec, Evidence
from ebpf_static.target import Platform

__all__ = ["interpret"]


def interpret(
    draft: ObjectDraft, platform: Platform, evidence: tuple[Evidence, ...], numbering: Platform
) -> CollectionSpec:
    """Return the spec of an object whose numbers are ``numbering``'s."""
    return CollectionSpec.model_construct(
        platform=platform,
        evidence=evidence,
        numbering=numbering,
        byte_order=draft.elf.byte_order,
        license=draft.license,
        version=draft.version,
        tag=draft.tag,
        maps=interpret_maps(draft.maps, numbering, draft.elf.byte_order),
        functions=interpret_functions(draft.functions, numbering),
        variables=ByName(draft.variables),
        externs=ByName(draft.externs),
        elf=draft.elf,
        btf=draft.btf,
        btf_ext=draft.btf_ext,
        problems=tuple(draft.problems),
    )
