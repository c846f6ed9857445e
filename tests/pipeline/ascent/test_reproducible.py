"""A unit of any kind is the same alone, in a batch, and in another process; on real weights."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from pipeline.ascent import objectives
from pipeline.ascent.render import Rendered, Renderer
from pipeline.config.recipes import RECIPES
from pipeline.config.weights import Weights, resolve
from pipeline.network import device, model_file
from pipeline.network.network import Network, load
from pipeline.plan.batches import batch_size
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, LOGITS, NEURON, SOFTMAX
from pipeline.plan.units import Unit

SIZE, SEED = 75, 3
RECIPE = RECIPES["fourier"].model_copy(update={"steps": 2, "revive": 1})
CHANNELS = (7, 70, 301, 410, 767)
UNITS = {
    "channel": [Unit(CHANNEL, ("mixed4",), index) for index in CHANNELS],
    "neuron": [Unit(NEURON, ("mixed4",), index, 1, 2) for index in CHANNELS],
    "negative": [Unit(CHANNEL, ("mixed4",), index, negative=True) for index in CHANNELS],
    "deepdream": [Unit(DEEPDREAM, ("mixed2", "mixed4"))],
    "logits": [Unit(LOGITS, (), index) for index in range(5)],
    "softmax": [Unit(SOFTMAX, (), index) for index in range(5)],
}


def _render(path: Path, among: slice) -> dict[str, Rendered]:
    """These units of each kind, rendered together."""
    networks: dict[tuple[str, ...], Network] = {}
    found = {}
    for name, members in UNITS.items():
        units = members[among]
        names = objectives.outputs(units[0])
        if names not in networks:
            networks[names] = load(Weights("file", path, "0" * 64), names)
        size = batch_size(units[0].kind, 8)
        found[name] = Renderer(networks[names], RECIPE, SIZE).render(units, SEED, size)
    return found


def _write_batches(path: str, output: str) -> None:
    """What the other process does: all units of each kind, the last first."""
    device.use("cpu")
    found = _render(Path(path), slice(None, None, -1))
    arrays = {
        f"{kind}/{name}": values
        for kind, rendered in found.items()
        for name, values in vars(rendered).items()
    }
    np.savez(output, **arrays)


@pytest.fixture(scope="module")
def both(
    cpu: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, Rendered], dict[str, np.ndarray]]]:
    """The first unit of each kind alone in this process, and all of them in another."""
    folder = tmp_path_factory.mktemp("classifier")
    path, output = folder / "classifier.keras", folder / "batches.npz"
    model = model_file.read(resolve("bundled"))
    keras.utils.set_random_seed(5)
    pooled = layers.GlobalAveragePooling2D()(model.get_layer("mixed4").output)
    keras.Model(model.input, layers.Dense(5, activation="softmax")(pooled)).save(path)
    command = [sys.executable, __file__, str(path), str(output)]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    with subprocess.Popen(command, env=environment) as other:
        try:
            alone = _render(path, slice(0, 1))
            assert other.wait(300) == 0
        finally:
            other.kill()
    with np.load(output) as batches:
        yield alone, dict(batches)


@pytest.mark.parametrize("kind", UNITS)
def test_a_unit_alone_is_the_same_as_in_a_batch_of_another_process(
    both: tuple[dict[str, Rendered], dict[str, np.ndarray]], kind: str
) -> None:
    alone, batches = both
    for name, values in vars(alone[kind]).items():
        np.testing.assert_array_equal(values[0], batches[f"{kind}/{name}"][-1], name)
    assert (alone[kind].images != alone[kind].first).any()


if __name__ == "__main__":
    _write_batches(*sys.argv[1:])
