"""Evaluation: what runs a graph."""
