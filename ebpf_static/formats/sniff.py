"""What a file is, from its first bytes: cheap enough to ask of every file in a tree.

Sources: System V gABI (``e_ident``); ``EM_BPF`` 247 in Linux ``include/uapi/linux/elf-em.h``.
"""

from __future__ import annotations

from typing import Literal

FileKind = Literal["bpf-elf", "elf", "pe", "archive", "other"]

SNIFF_BYTES = 64
EM_BPF = 247
EM_NONE = 0
_ELF64_HEADER_BYTES = 64


def sniff(head: bytes) -> FileKind:
    """Return what a file starting with ``head`` (64 bytes are enough) claims to be.

    ``bpf-elf`` is a 64-bit ELF of either byte order whose machine is BPF or, as LLVM before 4.0
    wrote it, none; whether it holds BPF then depends on its sections.
    """
    if head[:4] == b"\x7fELF":
        return "bpf-elf" if _is_bpf_header(head) else "elf"
    if head[:2] == b"MZ":
        return "pe"
    if head[:8] in (b"!<arch>\n", b"!<thin>\n"):
        return "archive"
    return "other"


def _is_bpf_header(head: bytes) -> bool:
    if len(head) < _ELF64_HEADER_BYTES:
        # A cut-off header still says it is BPF when it reaches e_machine.
        return len(head) >= 20 and _machine(head) == EM_BPF
    return head[4] == 2 and head[5] in (1, 2) and _machine(head) in (EM_BPF, EM_NONE)


def _machine(head: bytes) -> int:
    return int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
