"""The ``linux`` loader: ``bpf(2)`` through ctypes, without libbpf."""
