"""A weights file becomes a Keras model, and what its graph tells. Imports TensorFlow."""
