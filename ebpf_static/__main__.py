"""``python -m ebpf_static``."""

from __future__ import annotations

from ebpf_static.cli.main import run

if __name__ == "__main__":
    run()
