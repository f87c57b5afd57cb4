"""Runs of Kaizen's planner and of its peers on the same tasks (forms and options: docs/benchmarks.md)."""
