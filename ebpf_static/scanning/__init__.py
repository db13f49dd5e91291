"""Many objects, wherever they are: found, told apart, judged side by side, reported in order.

A run has two steps for each file, opening it and judging what is in it, and either may happen in
this process, in processes of ours or in an executor. Whatever finishes first, everything is taken
in the order of the files and of the objects in them, so a report does not depend on it.
"""
