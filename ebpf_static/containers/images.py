"""Which members of an archive are layers of a container image, and which layer each is.

Sources: "Image Layout Specification" and "Image Manifest" of the OCI image specification;
image/spec/spec.md of moby (``docker save``: ``manifest.json``, of which Podman writes the same).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

MAX_MEMBERS: Final = 4096
"""An archive with more members in front of its manifests is taken for no image."""

MAX_JSON_BYTES: Final = 4 << 20
_MAX_MANIFESTS = 256
_MAX_INDEX_DEPTH = 4
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,128}")
_FIRST_NAMES = re.compile(
    r"(\./)?(blobs\b|oci-layout$|(index|manifest|config)\.json$|repositories$"
    r"|(sha256[:-])?[0-9a-f]{64}\b)"
)

Read = Callable[[str], "bytes | None"]
"""Returns a small member's content by its name, None where there is none."""


def may_be_image(first_name: str) -> bool:
    """Tell whether an archive whose first member is called so may be that of an image."""
    return _FIRST_NAMES.match(first_name) is not None


def find_layers(read: Read, links: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each layer's member with what paths call the layer, in order.

    Layers count from 0, the lowest, and are those of ``image0``, ``image1`` … where the archive has
    several images. What several have in common belongs to the first.

    Args:
        read: gives the small members.
        links: symbolic links of the archive: name, and what it names, relative to it.
    """
    images = list(_docker_images(read)) or list(_oci_images(read))
    found: dict[str, str] = {}
    for number, layers in enumerate(images):
        prefix = f"image{number}!" if len(images) > 1 else ""
        for index, name in enumerate(layers):
            found.setdefault(_resolve(name, links), f"{prefix}layer{index}")
            if len(found) >= MAX_MEMBERS:
                return found
    return found


def _resolve(name: str, links: Mapping[str, str]) -> str:
    """Return what a link of older ``docker save`` archives leads to: another image's layer."""
    link = links.get(name)
    return name if link is None else posixpath.normpath(f"{posixpath.dirname(name)}/{link}")


def _docker_images(read: Read) -> Iterator[list[str]]:
    manifest = _load(read("manifest.json"))
    for image in manifest[:_MAX_MANIFESTS] if isinstance(manifest, list) else ():
        layers = image.get("Layers") if isinstance(image, dict) else None
        if isinstance(layers, list):
            yield [name for name in layers if isinstance(name, str)]


def _oci_images(read: Read) -> Iterator[list[str]]:
    left = _MAX_MANIFESTS
    documents = [(_load(read("index.json")), 0)]
    while documents and left:
        document, depth = documents.pop(0)
        left -= 1
        layers = [name for _, name in _descriptors(document, "layers", "tar")]
        if layers:
            yield layers
        if depth < _MAX_INDEX_DEPTH:
            manifests = _descriptors(document, "manifests", "")
            documents += [(_load(read(name)), depth + 1) for _, name in manifests][:left]


def _descriptors(document: Any, key: str, media: str) -> Iterator[tuple[str, str]]:
    """Yield media type and member name of what a manifest or an index lists under ``key``.

    Manifests of build attestations list layers that are no archives: their type has no ``tar``.
    """
    entries = document.get(key) if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        digest = entry.get("digest") if isinstance(entry, dict) else None
        kind = str(entry.get("mediaType", media)) if isinstance(entry, dict) else ""
        if isinstance(digest, str) and _DIGEST.fullmatch(digest) and media in kind:
            yield kind, f"blobs/{digest.replace(':', '/')}"


def _load(text: bytes | None) -> Any:
    try:
        return json.loads(text or b"null")
    except (ValueError, RecursionError):
        return None
