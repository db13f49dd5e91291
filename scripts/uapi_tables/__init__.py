"""Makes the tables of names and numbers, a platform a module."""
