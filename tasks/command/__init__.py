"""The command `atlas`, and what it shows."""
