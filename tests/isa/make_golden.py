"""Make the golden files of ``golden/`` with LLVM 19 and, for later encodings, LLVM 22.

Run by hand from the repository root where both are installed:
``python tests/isa/make_golden.py``. The test that reads the files needs neither.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
LINE = re.compile(r"^ +\d+:\t((?:[0-9a-f]{2} )*[0-9a-f]{2})\t(.+)$", re.MULTILINE)


def disassemble(source: Path, version: int, byte_order: str) -> list[str]:
    """Assemble or compile ``source`` and return ``bytes<TAB>text`` lines."""
    triple = "bpfel" if byte_order == "little" else "bpfeb"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.o"
        if source.suffix == ".s":
            tool = [f"llvm-mc-{version}", f"-triple={triple}", "-mcpu=v4", "-filetype=obj"]
        else:
            tool = [f"clang-{version}", f"--target={triple}", "-mcpu=v4", "-O2", "-c"]
        subprocess.run([*tool, str(source), "-o", str(made)], check=True)
        dump = [f"llvm-objdump-{version}", "-d", "--mcpu=v4", "--no-print-imm-hex", str(made)]
        printed = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    return ["\t".join(found) for found in LINE.findall(printed)]


def main() -> None:
    """Write one file per LLVM version and byte order."""
    sources = {19: ["every_form.s", "program.c"], 22: ["late_forms.s"]}
    for version, names in sources.items():
        for byte_order in ("little", "big"):
            lines = [
                f"# llvm-objdump-{version} -d --mcpu=v4 --no-print-imm-hex of {', '.join(names)}"
            ]
            for name in names:
                lines += disassemble(GOLDEN / name, version, byte_order)
            path = GOLDEN / f"llvm{version}-{byte_order}.txt"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
