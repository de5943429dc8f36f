"""A graph of numbers as a JavaScript module: values, local derivatives, passes over the edges."""
