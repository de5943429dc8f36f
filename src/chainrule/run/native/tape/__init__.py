"""Graphs of numbers on a tape, which starts at once."""
