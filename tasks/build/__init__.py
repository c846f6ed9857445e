"""A build: its Luigi tasks, its lock, and the truth at the end."""
