"""Reading the tables that come with a package.

What :mod:`importlib.resources` does, without the twenty modules it imports: they would cost every
command line more time than reading the tables does.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


def read_data(package: str, *path: str) -> str:
    """Return the text of a file of a package, wherever the package was imported from.

    Args:
        package: dotted name of the package the path starts from.
        path: folders and the file's name.

    Raises:
        OSError: there is no such file.
    """
    module = import_module(package)
    loader: Any = module.__loader__
    folder = os.path.dirname(str(module.__file__))  # noqa: PTH120 - may lie inside an archive
    data: bytes = loader.get_data(os.path.join(folder, *path))  # noqa: PTH118
    return data.decode("utf-8")
