"""The licence of the object, and what the kernel makes depend on it."""
