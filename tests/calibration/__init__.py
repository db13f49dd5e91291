"""Our verdicts held against those of real kernels; ``python -m tests.calibration`` says how far."""
