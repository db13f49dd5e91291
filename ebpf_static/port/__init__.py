"""What would have to change for an object to work on the other platform: a report, no rewrite."""

from ebpf_static.port.model import (
    Blocker,
    FieldPort,
    HelperPort,
    MapPort,
    PortReport,
    ProgramPort,
    VerdictPort,
)
from ebpf_static.port.report import port

__all__ = [
    "Blocker",
    "FieldPort",
    "HelperPort",
    "MapPort",
    "PortReport",
    "ProgramPort",
    "VerdictPort",
    "port",
]
