"""The parts of ``make_support_tables.py``: one module for each group of tables."""
