"""What that means here and now: units, batches, and the identity of an atlas."""
