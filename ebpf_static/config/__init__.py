"""Configuration: found, read, checked and handed on as plain values.

Nothing here is imported before a file or a setting is there to be read: building the model costs
more than judging a small object.
"""
