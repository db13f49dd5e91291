"""Unpacking, bounded: compressed data and archives, from files, memory and streams.

Nothing here knows what is looked for, and nothing is written to disk. Used for the kernels BTF is
taken from (:mod:`ebpf_static.btf`) and for the containers objects lie in
(:mod:`ebpf_static.containers`). The package imports nothing of ours but ``errors``.
"""
