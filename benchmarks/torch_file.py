"""Weights that PyTorch saved before its version 1.6, read without PyTorch.

Such a file is a chain of pickles (a magic number, a version, the machine, the state, the keys of
its storages) and after them the storages: each its number of values, then the values. Nothing in
it is run: the pickles may name what `_NAMES` holds and nothing else.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001


class _Tensor(NamedTuple):
    """Where a tensor's values are: its storage's key, the first of them, its shape and strides."""

    storage: str
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Storage(NamedTuple):
    """A storage as the state's pickle speaks of it."""

    type: str
    key: str


def _tensor(
    storage: _Storage, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage.key, first, tuple(shape), tuple(strides))


_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
} | {("torch", name): name for name in _TYPES}


class _Pickle(pickle.Unpickler):
    """A pickle that may name little."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.types: dict[str, Any] = {}
        """Of the storages that the pickle spoke of, by key."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return _NAMES[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        self.types[key] = _TYPES[kind]
        return _Storage(kind, key)


def read(path: Path) -> Mapping[str, np.ndarray]:
    """The arrays of a state, by name.

    Raises:
        ValueError: it is no such file, or has what is not read here.
        pickle.UnpicklingError: it names what a file of weights has no use for.
    """
    with path.open("rb") as file:
        magic, version, _ = (_Pickle(file).load() for _ in range(3))
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"{path}: expected a file of weights that PyTorch 1.0 to 1.5 saved")
        pickled = _Pickle(file)
        state = pickled.load()
        storages = {}
        for key in _Pickle(file).load():
            count = int(np.fromfile(file, "<i8", 1)[0])
            storages[key] = np.fromfile(file, pickled.types[key], count)
    return {name: _values(tensor, storages) for name, tensor in state.items()}


def _values(tensor: _Tensor, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    """A tensor's values; each is looked up by its own number, so that none lies outside."""
    numbers = np.full(tensor.shape, tensor.first)
    for places, stride in zip(np.indices(tensor.shape), tensor.strides, strict=True):
        numbers += places * stride
    return np.asarray(storages[tensor.storage][numbers])
