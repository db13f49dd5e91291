"""Code of the real objects in ``corpus/``, read with pyelftools and nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


class Code(NamedTuple):
    """Contents of one executable section of one object."""

    where: str
    byte_order: Literal["little", "big"]
    code: bytes


def find_objects() -> tuple[Path, ...]:
    """Return every object present; ``corpus/debian`` is there only once it was fetched."""
    folders = (CORPUS / "objects", CORPUS / "debian")
    return tuple(sorted(path for folder in folders for path in folder.glob("**/*.o")))


def iter_code(path: Path) -> Iterator[Code]:
    """Yield the executable sections; objects the corpus keeps for being malformed yield none."""
    with path.open("rb") as stream:
        try:
            elf = ELFFile(stream)
            for section in elf.iter_sections():
                executable = section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
                if (
                    executable
                    and section["sh_type"] == "SHT_PROGBITS"
                    and not section["sh_size"] % 8
                ):
                    order: Literal["little", "big"] = "little" if elf.little_endian else "big"
                    yield Code(f"{path.name}:{section.name}", order, section.data())
        except ELFError:
            return
