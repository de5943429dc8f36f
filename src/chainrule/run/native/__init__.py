"""Graphs as machine code, in stages; each is a room that can be read alone.

`lanes` writes instructions for one element or several at once, `mathematics` the functions among
them, `target` turns text of LLVM into machine code for this processor.
"""
