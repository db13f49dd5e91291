"""Type information: whether it can be read, and who depends on it."""
