"""What Kaizen makes of real logs of coding agents: import, precedents, autopsy."""
