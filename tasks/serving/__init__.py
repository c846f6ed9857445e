"""Serving pages on loopback, and taking from them what people write."""
