"""The loaders for eBPF for Windows: bytecode through ``ebpfapi.dll``, and native images."""
