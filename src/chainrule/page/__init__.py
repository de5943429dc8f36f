"""The page: a graph to step through in a browser, served or as one file."""
