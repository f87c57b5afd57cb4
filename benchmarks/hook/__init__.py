"""The hook at the moment of action: what it takes, what it survives, and what obeying it brings."""
