"""A user's own pictures (the field's dataset examples): seen by every channel, ranked, cut out."""
