"""Ways in: the command line, the web, agents. Thin: no rule lives in a face."""
