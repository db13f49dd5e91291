"""BTF, the type format of eBPF: reading, printing and matching types.

:class:`Btf` is an immutable, lazily decoded index over ``.BTF`` bytes; :class:`BtfExt` holds
function, line and CO-RE records of ``.BTF.ext``. The package imports nothing of ours but
``errors`` and ``limits``.
"""

from __future__ import annotations

from ebpf_static.btf.ext import BtfExt, CoreRelocation, FuncInfo, LineInfo
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import BtfType, Kind

__all__ = ["Btf", "BtfExt", "BtfType", "CoreRelocation", "FuncInfo", "Kind", "LineInfo"]
