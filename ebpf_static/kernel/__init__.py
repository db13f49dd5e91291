"""A target kernel, and what it decides about an object before and while its programs run."""

from ebpf_static.kernel.config import parse_config, read_config
from ebpf_static.kernel.core import CoreOutcome, CoreOutcomes, resolve_core
from ebpf_static.kernel.view import Kernel, View

__all__ = [
    "CoreOutcome",
    "CoreOutcomes",
    "Kernel",
    "View",
    "parse_config",
    "read_config",
    "resolve_core",
]
