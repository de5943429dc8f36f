"""SciPy's solvers with exact derivatives."""
