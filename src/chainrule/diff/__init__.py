"""Differentiation: what the partial derivatives of an operation are, as graphs."""
