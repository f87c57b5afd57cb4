"""Planners: each proposes from the journal alone."""
