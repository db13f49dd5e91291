"""WIN014."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static_rules.win.base import WindowsRule, map_type

_NO_KEY = ("QUEUE", "STACK", "RINGBUF")
_OF_MAPS = ("HASH_OF_MAPS", "ARRAY_OF_MAPS")
_ARRAYS = ("ARRAY", "PERCPU_ARRAY", "ARRAY_OF_MAPS", "PROG_ARRAY")
_PROVIDED = ("SAMPLE_HASH_MAP", "XSKMAP")
_ARRAY_LIMIT = 1 << 37
_LPM_PREFIX = 4
_DECLARED = (MapOrigin.BTF, MapOrigin.LEGACY, MapOrigin.IMAGE)

Problem = tuple[Severity, str]


class MapSizesRefused(WindowsRule):
    """A map's key, value or element count is one its type cannot have on Windows.

    What it does
    ------------
    Reports sizes that make map creation fail (a key on a queue, a value other than 4 bytes in a
    prog array, an array beyond 128 GiB), and sizes that are accepted and then fail: an array key
    other than 4 bytes, a prog array whose key is not 4 bytes. MAP107 reports missing sizes.

    Why it matters
    --------------
    Windows checks the sizes less than Linux does. An array's key is read as 4 bytes whatever its
    size; a prog array with another key size is created, and then no tail call through it works.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
        __uint(key_size, 8);             // created, but every bpf_tail_call fails

    How to fix
    ----------
    Give arrays 4-byte keys, prog arrays and maps of maps 4-byte values, rings and queues no key.

    References
    ----------
    microsoft/ebpf-for-windows: libs/execution_context/ebpf_maps.c
    """

    code = "WIN014"
    name = "map-sizes-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for the first wrong size of each map."""
        for item in spec.maps:
            type_ = map_type(item)
            if type_ is None or item.origin not in _DECLARED or type_.name in _PROVIDED:
                continue
            problem = next(_problems(item, type_.name), None)
            if problem is not None:
                severity, words = problem
                yield self.finding(
                    context,
                    f"map `{item.name}` of type {type_.name} {words}",
                    locate.map(item),
                    help="correct the sizes in the map's definition",
                    severity=severity,
                )


def _problems(item: MapSpec, name: str) -> Iterator[Problem]:
    yield from _refused(item, name)
    if name == "PROG_ARRAY" and item.key_size not in (0, 4):
        yield (
            Severity.WARNING,
            f"has keys of {item.key_size} bytes: it is created, but tail calls need 4",
        )
    elif name in _ARRAYS and item.key_size not in (0, 4):
        yield Severity.WARNING, f"has keys of {item.key_size} bytes, but is indexed by 4"


def _refused(item: MapSpec, name: str) -> Iterator[Problem]:
    """Yield what makes creation fail; sizes that are missing altogether are MAP107's."""
    if name in _NO_KEY and item.key_size:
        yield Severity.ERROR, f"has keys of {item.key_size} bytes, but takes none"
    if name in (*_OF_MAPS, "PROG_ARRAY") and item.value_size not in (0, 4):
        yield Severity.ERROR, f"has values of {item.value_size} bytes, but holds ids of 4"
    if name == "LPM_TRIE" and 0 < item.key_size < _LPM_PREFIX:
        yield Severity.ERROR, f"has keys of {item.key_size} bytes, too short for a prefix length"
    if name == "ARRAY" and item.value_size * item.max_entries > _ARRAY_LIMIT:
        size = item.value_size * item.max_entries
        yield Severity.ERROR, f"holds {size} bytes, more than the {_ARRAY_LIMIT} an array may"
