"""Compiled values and gradients, against other libraries and C: ``python -m benchmarks.engine``."""
