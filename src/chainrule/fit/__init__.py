"""Fitting a graph to data: gradient descent step by step, and which leaf plays which role."""
