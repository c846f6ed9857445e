"""The article's loop and two peers, each in a process of its own, on our weights and units."""
