"""Ways to describe a process: a function's signature, a TOML table. Recipes read; they never run anything."""
