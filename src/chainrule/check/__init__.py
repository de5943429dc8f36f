"""Values and derivatives against high-precision arithmetic: what is wrong, and in which node."""
