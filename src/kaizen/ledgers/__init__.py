"""Where entries are kept: in memory (the oracle), or in one SQLite file."""
