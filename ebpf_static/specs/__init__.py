"""What an object says: frozen models without I/O and without policy."""

from ebpf_static.specs.base import ByName, FrozenModel
from ebpf_static.specs.collection import CollectionSpec, ReadProblem
from ebpf_static.specs.evidence import Evidence
from ebpf_static.specs.function import FunctionSpec, ProgramSpec, Reference, ReferenceKind
from ebpf_static.specs.map import MapOrigin, MapSpec, MapValue
from ebpf_static.specs.section import ElfSpec, SectionSpec
from ebpf_static.specs.variable import ExternKind, ExternSpec, VariableSpec

__all__ = [
    "ByName",
    "CollectionSpec",
    "ElfSpec",
    "Evidence",
    "ExternKind",
    "ExternSpec",
    "FrozenModel",
    "FunctionSpec",
    "MapOrigin",
    "MapSpec",
    "MapValue",
    "ProgramSpec",
    "ReadProblem",
    "Reference",
    "ReferenceKind",
    "SectionSpec",
    "VariableSpec",
]
