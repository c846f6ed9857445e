"""What this machine has, what is wrong with it, and how to mend that."""

import json
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.config import weights
from pipeline.config.class_names import class_names
from pipeline.config.schema import AtlasConfig
from pipeline.config.weights import Weights
from pipeline.errors import AtlasError, ConfigError, UnitError, WeightsError
from pipeline.network.probe import probe
from pipeline.plan import machine
from pipeline.plan.architecture import Architecture
from pipeline.plan.kinds import expand
from pipeline.plan.pixels import said
from pipeline.plan.resolve import bases_named, given_range
from pipeline.store.folder import LocalFolder
from pipeline.store.place import at
from tasks.command.init import stages
from tasks.pool.cluster import cores, gpus, local_workers

State = Literal["ok", "note", "wrong"]
_GIB = 1024**3
_DEVICES = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
seen = len(tf.config.list_physical_devices("GPU"))
print(json.dumps([tf.__version__, tf.test.is_built_with_cuda(), seen]))
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, what was found, and what to do where it is wrong."""

    what: str
    state: State
    found: str
    remedy: str = ""


def examine(config: AtlasConfig, all_layers: bool = False) -> Iterator[Finding]:
    """Look at everything that a build of a configuration needs.

    Args:
        config: the configuration.
        all_layers: whether to list all layers, not only those that its units name.
    """
    with ThreadPoolExecutor(2) as threads:  # each waits for a process that loads TensorFlow
        devices = threads.submit(lambda: list(_devices(config)))
        network = threads.submit(lambda: list(_network(config, all_layers)))
        yield _python()
        yield from _packages()
        yield _cores()
        yield _disk(config)
        yield from devices.result()
        yield from network.result()


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.platform()}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", found)
    return Finding("Python", "wrong", found, "use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    found = ", ".join(
        f"{name} {number}"
        for name, number in machine.versions().items()
        if name not in ("python", "platform")
    )
    yield Finding("packages", "ok", found)


def _devices(config: AtlasConfig) -> Iterator[Finding]:
    answer = subprocess.run(  # noqa: S603, a constant
        [sys.executable, "-c", _DEVICES], capture_output=True, text=True, timeout=300, check=False
    )
    if answer.returncode:
        reason = answer.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        yield Finding("TensorFlow", "wrong", reason[0], "install the project again: make install")
        return
    number, has_cuda, seen = json.loads(answer.stdout.strip().splitlines()[-1])
    driver = len(gpus())
    build = "CUDA" if has_cuda else "CPU"
    found = f"{number}, {build} build, runs and sees {seen} GPUs; the driver lists {driver}"
    yield Finding("TensorFlow", "ok", found)
    if driver and not seen:
        remedy = "make install GPU=1 (puts tensorflow[and-cuda] over tensorflow-cpu)"
        state: State = "wrong" if config.device == "gpu" else "note"
        yield Finding("GPU", state, "there is a GPU that TensorFlow cannot use", remedy)
    elif config.device == "gpu" and not driver:
        remedy = "set `cluster.kind: local`, or run where the GPUs are"
        yield Finding("GPU", "note", "the configuration wants GPUs and none is here", remedy)


def _cores() -> Finding:
    return Finding("cores", "ok", f"{cores()}; `local` would use {local_workers('auto')} workers")


def _disk(config: AtlasConfig) -> Finding:
    place = at(config.output)
    if not isinstance(place, LocalFolder):
        return Finding("disk", "note", f"{place} is in an object store: no limit is known")
    folder = place.path
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / _GIB:.1f} GiB free where {folder} is"
    if free < _GIB:
        return Finding("disk", "wrong", found, "make room, or choose another folder with `output`")
    return Finding("disk", "ok", found)


def _weights(config: AtlasConfig) -> tuple[Weights, str]:
    """The weights of a configuration, and why they are not ImageNet's where `auto` would be."""
    wanted, timeout = config.model.weights, config.model.timeout
    if wanted != "auto":
        return weights.resolve(wanted, config.model.name, timeout=timeout), ""
    try:
        return weights.resolve("imagenet", config.model.name, timeout=timeout), ""
    except WeightsError as error:
        return weights.resolve("bundled", config.model.name), str(error)


def _network(config: AtlasConfig, all_layers: bool) -> Iterator[Finding]:
    try:
        found, why = _weights(config)
        size, patience = config.image.size, config.build.patience
        architecture = probe(found, size, config.model.output, given_range(config), patience)
    except AtlasError as error:
        yield Finding("weights", "wrong", str(error), "see the message")
        return
    has_classes = architecture.classes is not None
    yield Finding("weights", "ok", f"{found.source}, {found.path}, SHA-256 {found.sha256[:12]}…")
    classes = f"{architecture.classes} classes" if has_classes else "no classifier"
    yield Finding("network", "ok", f"{architecture.name}, {classes}, at {config.image.size} px")
    if not has_classes:
        remedy = (
            "set `model.weights: imagenet` where the network can be reached, or copy Keras' file "
            "into ~/.keras/models, or name a model file of yours"
        )
        said = "logits and softmax units are unavailable" + (f": {why}" if why else "")
        yield Finding("classifier", "note", said, remedy)
    yield _range(architecture)
    yield _layers(config, architecture, all_layers)


def look_into(path: Path, all_layers: bool = False) -> Iterator[Finding]:
    """Look into a model file: what can be seen of it, and what cannot.

    Args:
        path: the file.
        all_layers: whether to list all layers, not only the last of each map size.
    """
    try:
        found = weights.resolve(str(path))
        known = probe(found, None)
        names = class_names("auto", known.classes, found, known.name) if known.classes else ()
    except AtlasError as error:
        yield Finding("file", "wrong", str(error), "see the message")
        return
    size = f"{found.path.stat().st_size / 1e6:.1f} MB"
    yield Finding("file", "ok", f"{found.path}, {size}, SHA-256 {found.sha256[:12]}…")
    colour = "colour" if known.colours == 3 else "grey"
    yield Finding(
        "network", "ok", f"{known.name}, of {colour} images, looked at with {known.image_size} px"
    )
    yield _range(known)
    yield _classes(known, names)
    yield _activations(known)
    shown = list(known.layers.values()) if all_layers else stages(known)
    listed = [f"{x.name} ({x.channels}, {x.height} x {x.width})" for x in shown]
    yield _listed(listed, known)
    yield Finding(
        "next", "ok", f"atlas init --network {shlex.quote(str(path))} writes its configuration"
    )


def _range(known: Architecture) -> Finding:
    """What black and white are to the network."""
    remedy = "if that is not what it was trained on, say `model.range`, as in `range: [0, 1]`"
    if known.range is None:
        return Finding("range", "wrong", f"it cannot be told: {known.told}", remedy)
    state: State = "note" if "guess" in known.told else "ok"
    found = f"black and white are {said(known.range)}, {known.told}"
    return Finding("range", state, found, remedy if state == "note" else "")


def _classes(known: Architecture, names: Sequence[str]) -> Finding:
    if known.classes is None and known.heads:
        found = f"several outputs are of classes: {', '.join(known.heads)}"
        return Finding("classes", "note", found, "name one with `model.output`")
    if known.classes is None:
        return Finding("classes", "note", "none, so no logits and no softmax: all else can be done")
    some = ", ".join(name for name in names[:3] if name)
    told = f" ({some}, …)" if some else ", without names: `model.classes` says them"
    made = "their softmax" if known.squash == "softmax" else "the sigmoid of each"
    return Finding("classes", "ok", f"{known.classes}{told}; probabilities are {made}")


def _activations(known: Architecture) -> Finding:
    listed = ", ".join(f"{count} {name}" for name, count in known.activations.items()) or "none"
    revived = (
        "flat ends are climbed past, and shut ones revived to the last step"
        if known.is_living
        else "silent ReLUs are revived in a recipe's first steps"
        if "relu" in known.activations
        else "nothing of it needs to be revived"
    )
    return Finding("activations", "ok", f"{listed}; {revived}")


def _layers(config: AtlasConfig, architecture: Architecture, every: bool) -> Finding:
    """The layers that the configuration's units look at, and how many others there are; or all."""
    try:
        bases = bases_named(config, architecture)
        units = expand(config.units, replace(architecture, bases=bases))
    except (ConfigError, UnitError) as error:
        return Finding("layers", "wrong", str(error), "`atlas doctor --layers` lists them all")
    named = {name for unit in units for name in unit.layers}
    layers = architecture.layers.values()
    shown = [layer for layer in layers if every or layer.name in named]
    return _listed([f"{layer.name} ({layer.channels})" for layer in shown], architecture)


def _listed(shown: Sequence[str], known: Architecture) -> Finding:
    """Some layers, and how many others there are."""
    left = len(known.layers) - len(shown)
    more = f" and {left} others: `--layers` lists them all" if left else ""
    return Finding("layers", "ok", f"{', '.join(shown) or 'none is named'}{more}")
