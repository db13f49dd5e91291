"""What ebpf-static costs, printed beside its peers in the same run: ``python -m benchmarks``."""
