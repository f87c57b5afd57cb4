"""Those who carry runs out, and what is done with what was adopted."""
