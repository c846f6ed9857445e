"""A build: its Luigi tasks, and the truth at the end."""
