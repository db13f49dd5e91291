"""What two objects need of their platform, and where each loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ebpf_static.diff.model import Change, Difference
from ebpf_static.findings import Finding
from ebpf_static.lowest import find_lowest
from ebpf_static.requirements import Guard, Lowest, Requirement, requires
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.versions import version_key
from ebpf_static.target import Target
from ebpf_static.verdict import Status, Verdict, deciding, judge_object

_NEVER = (1 << 30,)


def iter_needs(left: CollectionSpec, right: CollectionSpec) -> Iterator[Difference]:
    """Yield what only one of two objects needs, or can now do without."""
    mine, theirs = (
        {(need.kind.value, need.name): need for need in requires(spec).items}
        for spec in (left, right)
    )
    for key, need in mine.items():
        other = theirs.get(key)
        if other is None:
            yield _difference(Change.REMOVED, need, left=_since(need))
        elif other.guard is not need.guard:
            yield _difference(Change.CHANGED, need, "guard", need.guard.value, other.guard.value)
    for key, need in theirs.items():
        if key not in mine:
            yield _difference(Change.ADDED, need, right=_since(need))


class Comparison:
    """Where two objects load."""

    def __init__(self, left: CollectionSpec, right: CollectionSpec) -> None:
        """Find out since when each does."""
        self._specs = (left, right)
        self._lowest = (find_lowest(left), find_lowest(right))

    def iter_differences(self) -> Iterator[Difference]:
        """Yield the difference of the lowest releases."""
        left, right = (str(lowest) for lowest in self._lowest)
        if left != right:
            yield Difference(
                change=Change.CHANGED, subject="object", field="lowest release",
                left=left, right=right,
            )  # fmt: skip

    def iter_regressions(self, targets: Sequence[Target]) -> Iterator[str]:
        """Yield why the right object loads on fewer releases, of those named or of all."""
        left, right = self._lowest
        if _key(left) < _key(right):
            yield (
                f"the lowest release rises from {left} to {right}"
                f"{_because(right.below, right.reason)}"
            )
        for target in targets:
            before, after = (judge_object(spec, target).object for spec in self._specs)
            if _is_worse(before, after):
                reason = _because(None, deciding(after))
                yield f"{target}: {before.status.value} -> {after.status.value}{reason}"


def _difference(
    change: Change, need: Requirement, field: str = "", left: str = "", right: str = ""
) -> Difference:
    return Difference(
        change=change, subject=f"needed {need.kind.value}", name=need.name, field=field,
        left=left, right=right,
    )  # fmt: skip


def _since(need: Requirement) -> str:
    words = [f"since {need.since}"] if need.since is not None else []
    words += [need.guard.value] if need.guard is not Guard.NONE else []
    return ", ".join(words)


def _key(lowest: Lowest) -> tuple[int, ...]:
    return _NEVER if lowest.line is None else version_key(lowest.line)


def _is_worse(before: Verdict, after: Verdict) -> bool:
    ranks = (Status.LOADS, Status.UNKNOWN, Status.REJECTED)
    return ranks.index(before.status) < ranks.index(after.status)


def _because(where: str | None, reason: Finding | None) -> str:
    if reason is None:
        return ""
    lead = f", because on {where} " if where else ", because "
    return f"{lead}{reason.message.split(' (target ', 1)[0]} ({reason.code})"
