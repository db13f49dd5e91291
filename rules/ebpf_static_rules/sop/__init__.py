"""Rules about structures of callbacks (struct_ops) on a Linux kernel."""
