"""What the user says: the configuration, its recipes, and the files that it names."""
