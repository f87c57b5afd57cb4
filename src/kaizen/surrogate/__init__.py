"""Regression and feasibility models of a process, on NumPy and SciPy: arithmetic only, no plans."""
