"""What pictures of an object are made of: blocks, calls, uses of maps, and where boxes go.

Nothing here has words or colours; :mod:`ebpf_static.output.pictures` draws what is found here.
"""

from ebpf_static.graph.blocks import Block, Exit, ExitKind, blocks_of
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.graph.layout import Box, Layout, Wire, lay_out
from ebpf_static.graph.uses import Call, CallKind, MapUse, calls_of, map_uses_of

__all__ = [
    "Block",
    "Box",
    "Call",
    "CallKind",
    "Exit",
    "ExitKind",
    "Layout",
    "MapUse",
    "TargetFlows",
    "Wire",
    "blocks_of",
    "calls_of",
    "lay_out",
    "map_uses_of",
]
