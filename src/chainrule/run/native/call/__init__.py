"""Callables that run compiled code at the cost of a function written in C."""
