"""Rules about what programs do with their context on Linux, and about what they return."""
