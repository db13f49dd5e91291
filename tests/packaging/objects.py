"""The compiled objects the packaging tests hand to an installed ebpf-static."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Objects:
    """Objects of the corpus by the part they play."""

    windows_tagged: Path
    windows_untagged: Path
    linux: Path
    linux_no_license: Path

    @classmethod
    def of(cls, corpus: Path) -> Objects:
        """Find them, and make sure the manifest says of them what their parts demand."""
        manifest = json.loads((corpus / "MANIFEST.json").read_text(encoding="utf-8"))
        platforms = {
            entry["path"]: entry["expectations"]["platform"] for entry in manifest["objects"]
        }

        def find(path: str) -> Path:
            assert platforms[path] == path.split("/")[1]
            return corpus / path

        return cls(
            windows_tagged=find("objects/windows/bind-clang19-el.o"),
            windows_untagged=find("objects/windows/bind-untagged-clang19-el.o"),
            linux=find("objects/linux/btf_maps-clang19-el.o"),
            linux_no_license=find("objects/linux/no_license-clang19-el.o"),
        )
