"""Presentation: what a reader sees of a graph and of its numbers. Nothing here evaluates."""
