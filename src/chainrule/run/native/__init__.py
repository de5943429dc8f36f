"""Graphs as machine code, in stages; each folder is one that can be read alone.

- ``plan``: a graph becomes simpler, then kernels: loops over axes, and what goes through memory.
- ``emit``: kernels become text of LLVM, for one element or several at once, with mathematics.
- ``code``: text becomes machine code that is loaded, by LLVM or out of the disk cache.
- ``call``: Python calls that code at the cost of a function written in C.
- ``tape``: graphs of numbers that start before there is code.

A `request` is a graph with options. `compiling` leads through the stages; `making` does so for tier
after tier, in the `background`. The `machine` holds what came out and swaps it while others call;
`points` runs it at many points, `foreign` where NumPy does a part of the work; `runner` makes it a
callable.
"""
