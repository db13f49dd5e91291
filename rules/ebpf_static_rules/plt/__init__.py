"""Which platform an object is made for, and whether that is the one it is checked for."""
