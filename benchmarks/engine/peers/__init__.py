"""One room for each library: ``build(case, way, what)`` gives what is to be called.

Importing a room imports its library; ``warm`` makes it ready, so that no build pays for that.
"""
