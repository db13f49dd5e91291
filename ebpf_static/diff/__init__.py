"""What changed between two objects, or between an object and an image said to be made from it."""

from ebpf_static.diff.compare import compare
from ebpf_static.diff.model import Change, Difference, DiffReport, Origin

__all__ = ["Change", "DiffReport", "Difference", "Origin", "compare"]
