"""What memory saves and what it costs: one member of a family is the present, the others are its past."""
