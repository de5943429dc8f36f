"""The server of the page: on this machine only, for whoever knows its address, within limits."""
