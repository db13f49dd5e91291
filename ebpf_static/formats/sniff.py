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
_ELF32_HEADER_BYTES = 52
_MACHINES = {
    3: "i386", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "Arm", 43: "SPARC",
    62: "x86-64", 183: "AArch64", 243: "RISC-V", 258: "LoongArch",
}  # fmt: skip
"""Machines a build leaves objects for beside BPF (``include/uapi/linux/elf-em.h``)."""

_LOOKED_INTO = "; check and scan look inside"
_BITCODE = "LLVM bitcode; compile to an object, without -emit-llvm or -flto"
_NEIGHBOURS = {
    b"\x1f\x8b": f"compressed with gzip{_LOOKED_INTO}",
    b"\xfd7zXZ\0": f"compressed with xz{_LOOKED_INTO}",
    b"\x28\xb5\x2f\xfd": f"compressed with zstd{_LOOKED_INTO}",
    b"BZh": f"compressed with bzip2{_LOOKED_INTO}",
    b"PK\3\4": f"a zip archive{_LOOKED_INTO}",
    b"\x04\x22\x4d\x18": f"compressed with lz4{_LOOKED_INTO}",
    b"\xed\xab\xee\xdb": f"an RPM package{_LOOKED_INTO}",
    b"07070": f"a cpio archive{_LOOKED_INTO}",
    b"BC\xc0\xde": _BITCODE,
    b"\xde\xc0\x17\x0b": _BITCODE,
}


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


def describe(head: bytes) -> str:
    """Return in words what a file is that is neither a 64-bit BPF ELF nor a PE."""
    kind = sniff(head)
    if kind == "archive":
        return f"an archive{_LOOKED_INTO}"
    if kind == "elf":
        return _describe_elf(head)
    for magic, what in _NEIGHBOURS.items():
        if head.startswith(magic):
            return what
    return "not a BPF object (neither ELF nor a native image)"


def _describe_elf(head: bytes) -> str:
    if len(head) < (_ELF32_HEADER_BYTES if head[4:5] == b"\1" else _ELF64_HEADER_BYTES):
        return "an ELF file cut off in its header"
    if head[5] not in (1, 2):
        return "an ELF file without a byte order"
    machine = _machine(head)
    if machine in (EM_BPF, EM_NONE):
        return "a 32-bit ELF file; BPF objects are 64-bit"
    return f"an ELF file for {_MACHINES.get(machine, f'machine {machine}')}, not for BPF"


def _is_bpf_header(head: bytes) -> bool:
    if len(head) < _ELF64_HEADER_BYTES:
        # A cut-off header still says it is BPF when it reaches e_machine.
        return len(head) >= 20 and _machine(head) == EM_BPF
    return head[4] == 2 and head[5] in (1, 2) and _machine(head) in (EM_BPF, EM_NONE)


def _machine(head: bytes) -> int:
    return int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
