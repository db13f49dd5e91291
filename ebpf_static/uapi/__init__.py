"""Names and numbers of the kernel-facing enumerations, per platform, and what SEC() names mean."""
