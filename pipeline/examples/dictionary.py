"""Dictionaries: directions of a layer, learned from what it makes of pictures.

A layer's numbers at one place of one picture are a vector. Pictures stream through, and of all such
places an even draw of at most `PLACES` is kept: from these the directions are learned, so that
memory has a bound however many pictures come. Which places are drawn depends on the seed, the names
of the pictures, and nothing else.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from pipeline.config import vectors
from pipeline.errors import ConfigError
from pipeline.examples.source import in_batches
from pipeline.plan.identity import stream

Method = Literal["nmf", "pca", "ica", "sparse"]
METHODS: tuple[Method, ...] = get_args(Method)
PLACES = 40_000
"""Places that are kept, at most."""
NUMBERS = 2**26
"""Numbers that are kept, at most: of a layer of many channels there are fewer places."""
_BATCH = 256
_EPOCHS, _ROUNDS = 5, 600
"""Of `sparse`, and of `nmf`."""
_MOST = 1024
"""Parts, at most."""
_LEAST = 10
"""Places for each part, at least."""
_SHORT = 1e-8


@dataclass(frozen=True)
class Dictionary:
    """Directions of a layer, those that explain most first.

    Attributes:
        parts: (parts, channels) float32, of length one.
        shares: (parts,) float32, what share of the variance lies along each; parts that are alike
            share theirs, so that the sum may be more than one.
        explained: what share of the variance lies in all of them together.
        nearest: (parts,), the channel that each is most like.
        cosines: (parts,) float32, how much it is.
        places: how many it was learned from.
        settled: whether nmf or ica came to rest in the steps that it was given.
    """

    parts: np.ndarray
    shares: np.ndarray
    explained: float
    nearest: np.ndarray
    cosines: np.ndarray
    places: int
    settled: bool = True

    def save(self, path: Path, about: Mapping[str, Any]) -> None:
        """Write it as a `.safetensors` file, with what there is to say about it.

        Raises:
            ConfigError: it cannot be written.
        """
        said = {**about, "explained": float(f"{self.explained:.6g}"), "places": self.places}
        arrays = {
            vectors.PARTS: self.parts,
            vectors.SHARES: self.shares,
            "nearest": self.nearest.astype(np.float32),
            "cosines": self.cosines,
        }
        try:
            vectors.write(path, arrays, said)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


class Drawn:
    """An even draw of places from pictures that stream through, of a bound of memory.

    Args:
        channels: of the layer.
        seed: of the draw.
        most: places that are kept, at most.
    """

    def __init__(self, channels: int, seed: int, most: int = PLACES) -> None:
        self.most = max(1, min(most, NUMBERS // channels))
        self._seed = seed
        self._keys: list[np.ndarray] = []
        self._values = [np.zeros((0, channels), np.float32)]
        self._bound = 1.0

    @property
    def held(self) -> int:
        """How many places are held now: twice what is kept, and a picture's, at most."""
        return sum(map(len, self._keys))

    def see(self, name: str, values: np.ndarray) -> None:
        """Take in a picture, by its name: (rows, columns, channels)."""
        places = values.reshape(-1, values.shape[-1])
        keys = stream(self._seed, name, "dictionary").random(len(places))
        taken = keys < self._bound  # of the others enough are known that come before them
        self._keys.append(keys[taken])
        self._values.append(places[taken])
        if self.held > 2 * self.most:
            self._drop()

    def values(self) -> np.ndarray:
        """The places that are drawn, (places, channels) float32, in the order of the draw."""
        self._drop()
        return self._values[0]

    def _drop(self) -> None:
        keys = np.concatenate([np.zeros(0), *self._keys])
        order = np.argsort(keys, kind="stable")[: self.most]
        self._keys, self._values = [keys[order]], [np.concatenate(self._values)[order]]
        if self.held == self.most:
            self._bound = float(self._keys[0][-1])


def learn(values: np.ndarray, parts: int, method: Method, seed: int) -> Dictionary:
    """Learn a dictionary, with scikit-learn, on one thread.

    `nmf` has parts that are nowhere less than zero and add up (Lee and Seung, 1999), `pca` those
    along which most varies, `ica` those that are independent (Hyvärinen and Oja, 2000), `sparse`
    those of which few at a time, none of them less than nothing, make the whole (Mairal et al.,
    2009). Of `pca` and `ica` each part points to where its rare large values are.

    Args:
        values: (places, channels) float32.
        parts: how many, at most: one that is nothing is left out.
        method: one of `METHODS`.
        seed: of its random numbers.

    Raises:
        ConfigError: there is too little to learn from, or it has not what the method needs.
    """
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415, slow to import
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    check(parts, values.shape[1], method)
    if len(values) < _LEAST * parts:
        raise ConfigError(
            f"{len(values):,} places are too few to learn {parts} parts from: expected "
            f"{_LEAST * parts:,} or more; give more pictures, or ask for fewer parts"
        )
    centred = values - values.mean(axis=0)
    total = float((centred.astype(np.float64) ** 2).sum())
    if not np.isfinite(total) or total <= 0:
        raise ConfigError("the pictures excite the layer alike everywhere: nothing can be learned")
    with threadpool_limits(1), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = np.asarray(_LEARNERS[method](values, parts, seed), np.float64)
    lengths = np.linalg.norm(found, axis=1)
    found = found[lengths > _SHORT] / lengths[lengths > _SHORT, None]
    along = centred @ found.T.astype(np.float32)
    if method in ("pca", "ica"):
        found *= np.where((along**3).sum(axis=0) < 0, -1.0, 1.0)[:, None]
    shares = (along.astype(np.float64) ** 2).sum(axis=0) / total
    order = np.argsort(-shares, kind="stable")
    directions = found[order].astype(np.float32)
    basis = np.linalg.qr(found.T)[0].astype(np.float32)
    return Dictionary(
        parts=directions,
        shares=shares[order].astype(np.float32),
        explained=min(1.0, float(((centred @ basis).astype(np.float64) ** 2).sum() / total)),
        nearest=directions.argmax(axis=1),
        cosines=directions.max(axis=1),
        places=len(values),
        settled=method == "sparse"  # what warns there is a step within steps
        or not any(issubclass(each.category, ConvergenceWarning) for each in said),
    )


def check(parts: int, channels: int, method: Method) -> None:
    """Make sure that so many parts can be asked for.

    Raises:
        ConfigError: they cannot.
    """
    most = _MOST if method in ("nmf", "sparse") else min(_MOST, channels)
    if not 1 <= parts <= most:
        raise ConfigError(
            f"--parts {parts}: of a layer of {channels} channels {method} has 1 to {most}"
        )


Image = tuple[str, np.ndarray]
"""The name of a picture, and (size, size, 3) uint8."""


def draw(
    images: Iterable[Image],
    see: Callable[[np.ndarray], np.ndarray],
    drawn: Drawn,
    tell: Callable[[int], object],
    batch: int = 16,
) -> int:
    """Draw places from pictures, a batch at a time.

    Args:
        images: the pictures.
        see: a layer's maps of pictures, (batch, rows, columns, channels).
        drawn: where to.
        tell: told how many more pictures were seen.
        batch: pictures that are looked at together.

    Returns:
        How many pictures there were.
    """
    count = 0
    for some in in_batches(images, batch):
        maps = see(np.stack([pixels for _, pixels in some]))
        for (name, _), values in zip(some, maps, strict=True):
            drawn.see(name, values)
        count += len(some)
        tell(len(some))
    return count


def _nmf(values: np.ndarray, parts: int, seed: int) -> Any:
    from sklearn.decomposition import NMF  # noqa: PLC0415, slow to import

    least = float(values.min())
    if least < 0:
        raise ConfigError(
            f"--method nmf: the layer has numbers below zero ({least:.3g}), which nmf does not "
            "take: use pca, ica or sparse"
        )
    # By coordinates, and not batch by batch, which came to rest short of what was mixed.
    model = NMF(parts, init="nndsvda", max_iter=_ROUNDS, random_state=seed)
    scale = float(values.mean()) or 1.0
    return model.fit(values / scale).components_


def _pca(values: np.ndarray, parts: int, seed: int) -> Any:
    from sklearn.decomposition import PCA  # noqa: PLC0415, slow to import

    return PCA(parts, svd_solver="covariance_eigh", random_state=seed).fit(values).components_


def _ica(values: np.ndarray, parts: int, seed: int) -> Any:
    from sklearn.decomposition import FastICA  # noqa: PLC0415, slow to import

    model = FastICA(parts, whiten="unit-variance", max_iter=400, tol=1e-6, random_state=seed)
    return model.fit(values).mixing_.T


def _sparse(values: np.ndarray, parts: int, seed: int) -> Any:
    from sklearn.decomposition import MiniBatchDictionaryLearning  # noqa: PLC0415, slow to import

    model = MiniBatchDictionaryLearning(
        parts,
        batch_size=_BATCH,
        max_iter=_EPOCHS,
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        positive_code=True,
        random_state=seed,
    )
    length = float(np.sqrt((values**2).sum(axis=1).mean()))
    return model.fit(_SPARSE * values / length).components_


_SPARSE = 4.0
"""The length of a place in the penalties for a part that is used."""
_LEARNERS: Mapping[Method, Callable[[np.ndarray, int, int], Any]] = {
    "nmf": _nmf,
    "pca": _pca,
    "ica": _ica,
    "sparse": _sparse,
}
