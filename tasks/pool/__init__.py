"""The pool that computes: workers, what they do, and how they are given it."""
