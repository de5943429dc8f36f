"""Scenes drawn in characters, for a terminal: leaves left, results right."""
