"""Relocations, externs and CO-RE: what the loader has to fill in."""
