"""Contract suites: whoever writes a plug-in inherits our tests."""
