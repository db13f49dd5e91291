"""What only eBPF for Windows refuses or does differently."""
