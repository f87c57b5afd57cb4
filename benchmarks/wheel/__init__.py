"""How many runs the whole wheel takes to a proven standard, beside ways that people go without it."""
