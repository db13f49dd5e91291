"""What the analysis saw happen on paths it could not rule out."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ebpf_static.analysis.values import MaybeNull, Pointer, Value


class CallSite(NamedTuple):
    """A helper or kfunc call that may run.

    Attributes:
        function: index of the function it is in.
        insn: insn index of the call.
        helper: helper id; None for a call of a kfunc.
        extern: index of the kfunc's extern; -1 for a helper.
        arguments: values of r1 to r5.
    """

    function: int
    insn: int
    helper: int | None
    extern: int
    arguments: tuple[Value, ...]


class Access(NamedTuple):
    """A load or store through a pointer of known origin that may run.

    Attributes:
        function: index of the function it is in.
        insn: insn index.
        pointer: the address, instruction's offset included.
        size: bytes.
        writes: store or atomic.
    """

    function: int
    insn: int
    pointer: Pointer
    size: int
    writes: bool


@dataclass(slots=True)
class Flow:
    """The outcome for one program.

    Attributes:
        reached: insn indices that may run, by function index.
        calls: helper and kfunc calls that may run, each place once.
        accesses: accesses through known pointers that may run.
        returns: values of r0 at the program's own exits, by insn index.
        poisoned: unresolved CO-RE relocations that may run: (function, insn) and the reason.
        through_numbers: accesses through a register that holds a number, and no address, each time
            they run: the register by (function, insn).
        through_unchecked: accesses through an address that may be NULL each time they run: the
            register and where the address is from.
        through_addresses: accesses that may be through an address.
        unset: registers read that no path sets: (function, insn, register).
        recursion: functions that call themselves, directly or through others.
        depth: deepest chain of calls, the program itself included.
        stack: bytes of the frame each function uses, by function index.
        steps: instructions evaluated.
        complete: False when a bound was hit; then nothing can be concluded from what is absent.
    """

    reached: dict[int, set[int]] = field(default_factory=dict)
    calls: dict[tuple[int, int], CallSite] = field(default_factory=dict)
    accesses: dict[tuple[int, int], Access] = field(default_factory=dict)
    returns: dict[int, Value] = field(default_factory=dict)
    poisoned: dict[tuple[int, int], str] = field(default_factory=dict)
    through_numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    through_unchecked: dict[tuple[int, int], tuple[int, MaybeNull]] = field(default_factory=dict)
    through_addresses: set[tuple[int, int]] = field(default_factory=set)
    unset: set[tuple[int, int, int]] = field(default_factory=set)
    recursion: set[int] = field(default_factory=set)
    depth: int = 1
    stack: dict[int, int] = field(default_factory=dict)
    steps: int = 0
    complete: bool = True

    def is_reached(self, function: int, insn: int) -> bool:
        """Tell whether an instruction may run."""
        return insn in self.reached.get(function, ())
