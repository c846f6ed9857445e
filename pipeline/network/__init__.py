"""Keras graphs: a weights file becomes a frozen network. Imports TensorFlow."""
