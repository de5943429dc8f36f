"""Simplification: rewrites of a graph, each an identity written as formulas."""
