"""Retrievers: what finds remembered trials that are like an increment in words or in code, and runs near a setting."""
