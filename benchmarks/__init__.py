"""Measurements: each module is a command that writes one table of docs/."""
