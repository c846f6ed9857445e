"""What a notebook shows: cards of units, galleries of them, drawings, the page in a frame."""
