"""CTX202."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static_rules.ctx.base import AccessRule


class ContextWriteUnsupported(AccessRule):
    """A program writes to its context where the kernel does not let it.

    What it does
    ------------
    Follows the context pointer and holds each store against what the target lets a program of
    this type and attach type write, and in which sizes. Atomic operations on a context, and
    before Linux 6.3 stores of a constant (`BPF_ST`), are refused everywhere.

    Why it matters
    --------------
    Most of a context is for reading: the verifier ends with "invalid bpf_context access", or with
    "BPF_ST stores into R1 ctx is not allowed".

    Example
    -------
    ::

        SEC("xdp")
        int f(struct xdp_md *ctx) { ctx->rx_queue_index = 0; return XDP_PASS; }

    How to fix
    ----------
    Keep changes in a map or a variable, or use the helper that makes them. For constants,
    compile with `-mcpu=v3` or write the value from a register.

    References
    ----------
    Linux: net/core/filter.c, kernel/trace/bpf_trace.c, kernel/bpf/cgroup.c
    (`*_is_valid_access`), kernel/bpf/verifier.c (`check_atomic`)
    """

    code = "CTX202"
    name = "context-write-unsupported"
    severity = Severity.ERROR
    writes = True
    help_text = "keep the value in a map or variable, or use a helper that sets it"
