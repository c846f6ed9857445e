"""A unit is the same alone, in a batch of any size, and in another process; on real weights.

With the instructions of this processor, and with those of AVX2 alone, which has other kernels.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.recipes import RECIPES
from pipeline.config.weights import Weights, resolve
from pipeline.network import device
from pipeline.plan.batches import batch_size
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, LOGITS, NEURON, SOFTMAX
from pipeline.plan.units import Unit

SIZE, SEED, MOST = 75, 3, 16
RECIPE, PHASES = (
    RECIPES[name].model_copy(update={"steps": 2, "revive": 1}) for name in ("fourier", "maco")
)
CHANNELS = (7, 70, 301, 410, 767)
UNITS = {
    "channel": [Unit(CHANNEL, ("mixed4",), index) for index in CHANNELS],
    "neuron": [Unit(NEURON, ("mixed2",), index % 288, 1, 2) for index in CHANNELS],
    "negative": [Unit(CHANNEL, ("mixed2",), index % 288, negative=True) for index in CHANNELS],
    "deepdream": [Unit(DEEPDREAM, ("mixed2", "mixed4"))],
    "logits": [Unit(LOGITS, (), index) for index in range(5)],
    "softmax": [Unit(SOFTMAX, (), index) for index in range(5)],
    "phases": [Unit(CHANNEL, ("mixed2",), index % 288) for index in CHANNELS],
}
COMPANY = [Unit(CHANNEL, ("mixed2",), index) for index in range(MOST)]
"""The last of some of them is the same unit each time, at the end of batches of every size."""
PROCESSOR = Path("/proc/cpuinfo")
HAS_AVX512 = PROCESSOR.exists() and "avx512f" in PROCESSOR.read_text()
ISAS = ("native", "AVX2") if HAS_AVX512 else ("native",)
"""Whose instructions oneDNN uses; a processor without AVX-512 has AVX2's kernels by itself."""


def _render(path: Path, among: slice) -> dict[str, np.ndarray]:
    """What becomes of these units of each kind, rendered together: of the first, or the last."""
    from pipeline.ascent import objectives
    from pipeline.ascent.render import Renderer
    from pipeline.network.network import Network, load

    networks: dict[tuple[str, ...], Network] = {}
    found = {}
    for name, members in UNITS.items():
        units = members[among]
        names = objectives.outputs(units[0])
        if names not in networks:
            networks[names] = load(Weights("file", path, "0" * 64), names)
        size = batch_size(units[0].kind, 8)
        recipe = PHASES if name == "phases" else RECIPE
        rendered = Renderer(networks[names], recipe, SIZE).render(units, SEED, size)
        row = units.index(members[0])
        found |= {f"{name}/{what}": values[row] for what, values in vars(rendered).items()}
    return found


def _render_company() -> dict[str, np.ndarray]:
    """The last of 1 to 16 units rendered together, always the same one."""
    from pipeline.ascent.render import Renderer
    from pipeline.network.network import load

    recipe = RECIPE.model_copy(update={"revive": 0})  # less is compiled
    renderer = Renderer(load(resolve("bundled"), ("mixed2",)), recipe, SIZE)
    found = {}
    for count in range(1, MOST + 1):
        rendered = renderer.render(COMPANY[-count:], SEED, MOST)
        found |= {f"{count}/{what}": values[-1] for what, values in vars(rendered).items()}
    return found


def _save_classifier(path: Path) -> None:
    """The bundled layers with five classes on them."""
    import keras

    from pipeline.model import model_file

    model = model_file.read(resolve("bundled")).model
    keras.utils.set_random_seed(5)
    pooled = keras.layers.GlobalAveragePooling2D()(model.get_layer("mixed4").output)
    keras.Model(model.input, keras.layers.Dense(5, activation="softmax")(pooled)).save(path)


def _main(what: str, path: str, output: str) -> None:
    """What the other processes do."""
    device.use("cpu")
    if what == "alone":
        found = _render(Path(path), slice(0, 1))
    else:
        found = _render(Path(path), slice(None, None, -1)) | _render_company()
    np.savez(output, **found)


Both = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def classifier(cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "classifier.keras"
    _save_classifier(path)
    return path


@pytest.fixture(scope="module", params=ISAS)
def both(
    classifier: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Both]:
    """The first unit of each kind alone in a process, and all of them, reversed, in another."""
    folder = tmp_path_factory.mktemp("both")
    told = {} if request.param == "native" else {"ONEDNN_MAX_CPU_ISA": request.param}
    processes = []
    for number, what in enumerate(("alone", "together")):
        environment = os.environ | told | {"PYTHONHASHSEED": str(number), "ONEDNN_VERBOSE": "1"}
        command = [sys.executable, __file__, what, str(classifier), str(folder / f"{what}.npz")]
        with (folder / f"{what}.txt").open("w") as said:
            processes.append(subprocess.Popen(command, env=environment, stdout=said))
    try:
        assert [process.wait(500) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for what in ("alone", "together"):
        said = (folder / f"{what}.txt").read_text()
        if device.HAS_ONEDNN:  # it is at work
            assert "convolution,brg" in said or "convolution,jit" in said
        if request.param == "AVX2":
            assert "avx512" not in said
    with np.load(folder / "alone.npz") as alone, np.load(folder / "together.npz") as together:
        yield dict(alone), dict(together)


@pytest.mark.parametrize("kind", UNITS)
def test_a_unit_alone_is_the_same_as_in_a_batch_of_another_process(both: Both, kind: str) -> None:
    alone, together = both
    for what in ("images", "first", "trajectory", "snapshots"):
        np.testing.assert_array_equal(alone[f"{kind}/{what}"], together[f"{kind}/{what}"], what)
    assert (alone[f"{kind}/images"] != alone[f"{kind}/first"]).any()


@pytest.mark.parametrize("count", range(2, MOST + 1))
def test_a_unit_is_the_same_in_any_company(both: Both, count: int) -> None:
    _, together = both
    for what in ("images", "first", "trajectory"):
        np.testing.assert_array_equal(together[f"1/{what}"], together[f"{count}/{what}"], what)


if __name__ == "__main__":
    _main(*sys.argv[1:])
