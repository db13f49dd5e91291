"""Why an object is taken for Linux or for Windows."""

from __future__ import annotations

from ebpf_static.specs.base import FrozenModel, Text
from ebpf_static.target import Platform


class Evidence(FrozenModel):
    """One observation that speaks for a platform.

    Attributes:
        platform: the platform it speaks for.
        kind: what sort of observation (``tag-section``, ``section-name``, ``btf-type`` …).
        weight: 1 (a hint that needs company) to 100 (proof).
        what: the observation in words.
        where: section, program, map or type it was seen in.
    """

    platform: Platform
    kind: str
    weight: int
    what: Text
    where: Text
