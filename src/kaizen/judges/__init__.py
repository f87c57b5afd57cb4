"""Judges: each decides from a trial's pairs alone."""
