"""The command line: the one place that prints, reads the environment and exits.

Modules here import what they need inside functions, so that ``--help`` and ``--version`` cost
little more than Python itself.
"""
