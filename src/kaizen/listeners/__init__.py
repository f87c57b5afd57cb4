"""Those who listen to a standard after its adoption."""
