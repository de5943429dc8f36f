"""Drawings: a graph or a record becomes a scene, and writers turn the scene into files."""
