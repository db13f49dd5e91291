"""``python -m ebpf_static``."""

from __future__ import annotations

import sys

from ebpf_static.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
