"""A Keras model becomes a frozen network. Imports TensorFlow."""
