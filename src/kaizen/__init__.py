"""Kaizen: describe a process once, and improve it for ever, honestly."""

__version__ = "0.1.0"
