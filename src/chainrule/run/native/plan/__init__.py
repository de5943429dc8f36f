"""From a graph to kernels: what is computed in one loop, and what goes through memory."""
