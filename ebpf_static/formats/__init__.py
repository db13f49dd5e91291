"""Bytes to platform-neutral facts: what an object says, before anybody judges it."""
