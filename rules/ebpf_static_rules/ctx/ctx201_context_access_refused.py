"""CTX201."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static_rules.ctx.base import AccessRule


class ContextAccessRefused(AccessRule):
    """A program reads bytes of its context that the kernel does not let it read.

    What it does
    ------------
    Follows the context pointer through the code and holds each load against what the target lets
    a program of this type and attach type read: which fields there are, in which sizes, and, for
    programs attached to a kernel function (fentry, `tp_btf`, LSM, struct_ops), how many arguments
    it has and of which types. Loads through a context pointer to which something was added are
    reported where the kernel refuses them. Loads in code that may not run on the target are
    undecided.

    Why it matters
    --------------
    The verifier ends with "invalid bpf_context access" or "dereference of modified ctx ptr".
    Fields and arguments come and go between releases, so an object that loads on one kernel
    stops on another.

    Example
    -------
    ::

        SEC("tp_btf/block_rq_insert")         // two arguments until 5.10, one since 5.11
        int BPF_PROG(f, struct request_queue *q, struct request *rq) { return rq != 0; }

    How to fix
    ----------
    Read the field only where the kernel has it (`bpf_core_field_exists`,
    `bpf_core_type_exists`), or ship a program per kernel and load the one that fits. For a
    modified pointer, keep the compiler from computing the address apart
    (`__attribute__((preserve_static_offset))`).

    References
    ----------
    Linux: net/core/filter.c, kernel/trace/bpf_trace.c, kernel/bpf/cgroup.c
    (`*_is_valid_access`), kernel/bpf/btf.c (`btf_ctx_access`), kernel/bpf/verifier.c
    (`__check_ptr_off_reg`)
    """

    code = "CTX201"
    name = "context-access-refused"
    severity = Severity.ERROR
    writes = False
    help_text = "read it only on kernels that have it, or load another program there"
