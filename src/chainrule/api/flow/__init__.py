"""Branches and loops: from functions to operations that hold graphs."""
