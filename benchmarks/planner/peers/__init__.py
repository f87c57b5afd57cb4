"""Other people's planners, each run by a Python of its own and spoken to over a pipe."""
