"""Formulas as text: reading them and writing them."""
