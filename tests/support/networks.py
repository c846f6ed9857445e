"""Small networks as files, and images for them."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pipeline.config.weights import Weights


def saved(model: keras.Model, folder: Path) -> Weights:
    """A model as a user's file."""
    path = folder / "mine.keras"
    model.save(path)
    return Weights("file", path, "0" * 64)


def noise(size: int, count: int = 2) -> tf.Tensor:
    """Noise, (count, size, size, 3) float32 in [-1, 1]."""
    random = np.random.default_rng(0)
    return tf.constant(random.uniform(-1, 1, (count, size, size, 3)).astype(np.float32))


def of_one_size(size: int) -> keras.Model:
    """A classifier that takes images of one size only."""
    layers = keras.layers
    body = [keras.Input((size, size, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")]
    return keras.Sequential([*body, layers.Flatten(), layers.Dense(3, activation="softmax")])
