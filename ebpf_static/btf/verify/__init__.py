"""What a kernel refuses about a BTF that can be read all the same.

Source: Linux kernel/bpf/btf.c (6.18): ``btf_parse``, ``btf_check_all_metas``,
``btf_check_all_types``. The kernel stops at the first thing it dislikes, so that is what is
reported; the order is the kernel's.
"""

from __future__ import annotations

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.verify.plain import is_plainly_sound
from ebpf_static.btf.verify.rules import BtfProblem, KernelRules
from ebpf_static.btf.verify.whole import find_bad_header

__all__ = ["BtfProblem", "KernelRules", "find_kernel_problem"]


def find_kernel_problem(
    btf: Btf, rules: KernelRules | None = None, *, by_loader: bool = True
) -> BtfProblem | None:
    """Return the first thing a kernel refuses about a BTF, None when it takes it.

    Args:
        btf: an object's BTF, without a base.
        rules: the kernel's bounds; by default those of the newest kernel known.
        by_loader: whether a loader such as libbpf hands it over, which fills in the sections'
            sizes and offsets and makes externs defined first.

    Raises:
        FormatError: a name is out of bounds.
    """
    chosen = rules or KernelRules()
    problem = find_bad_header(btf, chosen, by_loader=by_loader)
    if problem is not None or (by_loader and is_plainly_sound(btf, chosen)):
        return problem
    # Most BTF is plainly sound, and a cold start need not import what says why another is not.
    from ebpf_static.btf.verify.links import find_bad_link
    from ebpf_static.btf.verify.records import find_bad_record

    return find_bad_record(btf, chosen, by_loader=by_loader) or find_bad_link(
        btf, chosen, by_loader=by_loader
    )
