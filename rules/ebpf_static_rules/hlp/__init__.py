"""Helper calls: whether the numbers mean anything, and the same, where the object goes."""
