"""Writes the tiny files of tests/data/keras2: `python make_keras2.py FOLDER tf_keras`.

Run with a Keras 2: the package tf_keras, or `tensorflow.keras` of TensorFlow up to 2.15, of which
2.3 writes `tf23`.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

keras = importlib.import_module(sys.argv[2])
L = keras.layers
folder = Path(sys.argv[1])


def mixed():
    inner = keras.Input((None, None, 4))
    x = L.DepthwiseConv2D(3, name="deep/conv")(inner)
    x = L.BatchNormalization(name="deep/norm")(x)
    body = keras.Model(inner, L.ReLU(6.0)(x), name="body")
    body.trainable = False
    image = keras.Input((12, 12, 3))
    x = image[:, :, :, ::-1] / 127.5 - 1
    x = L.Conv2D(4, 3, activation="hard_sigmoid", kernel_regularizer="l2", name="first/conv")(x)
    x = tf.concat([body(x, training=False), 1.0 - tf.nn.relu6(body(x))], axis=-1)
    twice = L.Conv2D(8, 1, name="twice")
    x = L.Dropout(0.5, seed=1)(twice(L.LeakyReLU(0.2)(twice(x))))
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(image, L.Dense(3, activation="softmax", name="top")(x), name="mixed")


def chain():
    return keras.Sequential(
        [
            L.Conv2D(4, 3, activation="swish", input_shape=(12, 12, 3)),
            keras.Sequential([L.BatchNormalization(), L.Conv2D(2, 1)]),
            L.Flatten(),
            L.Dense(3),
        ]
    )


def tf23():
    image = keras.Input((12, 12, 3))
    x = (image / 127.5 - 1)[..., ::-1]
    x = tf.nn.relu6(L.Conv2D(4, 3)(x))
    x = L.ThresholdedReLU(0.1)(L.BatchNormalization()(x))
    return keras.Model(image, L.Dense(3)(L.Flatten()(x)))


random = np.random.RandomState(0)
images = random.uniform(0, 255, (2, 12, 12, 3)).astype("float32")
old = tf.__version__ < "2.4"
predicted = {}
for make in (tf23,) if tf.__version__.startswith("2.3.") else (mixed, chain):
    model = make()
    for variable in model.weights:
        variable.assign(
            random.uniform(0.1, 0.9, variable.shape) * random.choice([1.0, -1.0], variable.shape)
            if "variance" not in variable.name
            else random.uniform(0.5, 2, variable.shape)
        )
    predicted[make.__name__] = model.predict(images, verbose=0)
    for ending in ("h5",) if make is tf23 else ("h5", "keras"):
        model.save(str(folder / f"{make.__name__}.{ending}"))
for name, values in predicted.items():
    np.savez(str(folder / f"{name}.npz"), images=images, predicted=values)
