"""Pixels and numbers of the ascent: units become images and statistics. Imports TensorFlow."""
