"""Tests of reading PyTorch's files: what is in them, and what is refused."""

import os
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import torch_file

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """As much of PyTorch as a pickle of it names."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "DoubleStorage"):
        setattr(module, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*given: Any) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return module


class _Tensor:
    """Is pickled as PyTorch does a tensor: where its values are, of which shape."""

    def __init__(self, key: str, kind: type, first: int, shape: tuple[int, ...], strides: Any):
        self.key, self.kind, self.rest = key, kind, (first, shape, strides)

    def __reduce__(self) -> Any:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (_Storage(self.key, self.kind), *self.rest, False, OrderedDict())


class _Storage:
    def __init__(self, key: str, kind: type) -> None:
        self.key, self.kind = key, kind


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, _Storage):
            return ("storage", value.kind, value.key, "cpu", 0, None)
        return None


def _write(path: Path, state: Any, storages: dict[str, np.ndarray], version: int = VERSION) -> None:
    with path.open("wb") as file:
        for value in (MAGIC, version, {"little_endian": True}):
            pickle.dump(value, file, 2)
        _Pickler(file, 2).dump(state)
        pickle.dump(list(storages), file, 2)
        for values in storages.values():
            file.write(np.int64(len(values)).tobytes() + values.tobytes())


def test_tensors_are_read_whatever_their_strides(torch: types.ModuleType, tmp_path: Path) -> None:
    values = np.arange(14, dtype=np.float32)
    state = OrderedDict(
        plain=_Tensor("7", torch.FloatStorage, 2, (3, 4), (4, 1)),
        turned=_Tensor("7", torch.FloatStorage, 2, (4, 3), (1, 4)),
        count=_Tensor("9", torch.LongStorage, 0, (), ()),
    )
    _write(tmp_path / "a.pth", state, {"7": values, "9": np.array([5])})
    found = torch_file.read(tmp_path / "a.pth")
    np.testing.assert_array_equal(found["plain"], values[2:].reshape(3, 4))
    np.testing.assert_array_equal(found["turned"], values[2:].reshape(3, 4).T)
    assert found["count"] == 5


def test_nothing_outside_a_storage_is_read(torch: types.ModuleType, tmp_path: Path) -> None:
    state = {"far": _Tensor("7", torch.FloatStorage, 0, (3, 4), (100, 1))}
    _write(tmp_path / "a.pth", state, {"7": np.zeros(12, np.float32)})
    with pytest.raises(IndexError, match="out of bounds"):
        torch_file.read(tmp_path / "a.pth")


class _Harm:
    def __reduce__(self) -> Any:
        return os.mkdir, ("harmed",)


def test_a_file_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "a.pth", {"weight": _Harm()}, {})
    with pytest.raises(pickle.UnpicklingError, match=r"posix.mkdir has no place in a file of"):
        torch_file.read(tmp_path / "a.pth")
    assert not (tmp_path / "harmed").exists()


def test_another_version_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a.pth", {}, {}, version=1002)
    with pytest.raises(ValueError, match=r"a.pth: expected a file of weights that PyTorch 1.0 to"):
        torch_file.read(tmp_path / "a.pth")
