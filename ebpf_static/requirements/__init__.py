"""What an object needs of a platform: every map type, helper, instruction and kernel type."""

from ebpf_static.requirements.collect import requires
from ebpf_static.requirements.model import Guard, Need, Requirement, Requirements

__all__ = ["Guard", "Need", "Requirement", "Requirements", "requires"]
