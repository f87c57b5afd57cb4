"""How much CPU one suggestion takes, for Kaizen and for its peers."""
