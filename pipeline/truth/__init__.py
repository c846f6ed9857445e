"""Truth: how far a unit's picture can be believed."""
