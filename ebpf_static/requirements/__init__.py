"""What an object needs of a platform: every map type, helper, instruction and kernel type."""

from ebpf_static.requirements.collect import requires
from ebpf_static.requirements.model import Guard, Lowest, Need, Requirement, Requirements

__all__ = ["Guard", "Lowest", "Need", "Requirement", "Requirements", "requires"]
