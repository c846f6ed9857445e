"""Studies: the same units by several recipes, compared fairly."""
