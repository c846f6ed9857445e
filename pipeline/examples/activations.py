"""Activation atlas: what a layer makes of places of pictures, averaged where they are alike.

After Carter et al. (2019), "Activation Atlas". The numbers of a layer at random places of pictures
are laid out in the plane, alike near alike; a grid is laid over them; the mean of a cell is a
direction, whose picture shows what the network sees in all of its places.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config import vectors
from pipeline.errors import ConfigError
from pipeline.examples.source import Picture, in_batches
from pipeline.plan.identity import stream

Images = Iterable[tuple[Picture, np.ndarray]]
"""Pictures with their pixels, (size, size, 3) uint8."""
Attribute = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""What places, (pictures, each), of pictures do for each class, (pictures, each, classes)."""
LEAST = 3
"""Places of a cell that is not left empty."""
_RIDGE = 1e-2
"""What is added to the variance of each channel, of the mean over all."""
_FOLDS = 5


@dataclass(frozen=True)
class Seen:
    """Activations at places of pictures.

    Attributes:
        pictures: those that were seen.
        values: (places, channels) float32.
        means: (pictures, channels) float32, over all places of each picture.
        classes: (places, classes) float32, what each does for each class; None if nobody said.
        each: places of a picture.
    """

    pictures: tuple[Picture, ...]
    values: np.ndarray
    means: np.ndarray
    classes: np.ndarray | None
    each: int


def drawn(pictures: Sequence[Picture], most: int, seed: int) -> list[Picture]:
    """So many pictures at most, an even draw of them, in order."""
    if len(pictures) <= most:
        return list(pictures)
    keys = [stream(seed, picture.id, "activations", "picture").random() for picture in pictures]
    chosen = np.sort(np.argsort(keys, kind="stable")[:most])
    return [pictures[number] for number in chosen]


def see(
    images: Images,
    look: Callable[[np.ndarray], np.ndarray],
    each: int,
    seed: int,
    tell: Callable[[int], object],
    attribute: Attribute | None = None,
    batch: int = 16,
) -> Seen:
    """Look at random places of pictures.

    Args:
        images: the pictures; which places of one are drawn depends on the seed and its name.
        look: the layer's maps of a batch, (pictures, rows, columns, channels).
        each: places of a picture; all of a smaller map.
        seed: of the draw.
        tell: told how many more pictures were seen.
        attribute: what places do for the classes, if there are any.
        batch: pictures that are looked at together.

    Raises:
        ConfigError: there are none.
    """
    pictures, values, means, classes = [], [], [], []
    for some in in_batches(images, batch):
        pixels = np.stack([image for _, image in some])
        maps = look(pixels)
        flat = maps.reshape(len(maps), -1, maps.shape[-1])
        each = min(each, flat.shape[1])
        places = np.stack([_drawn(seed, picture.id, flat.shape[1], each) for picture, _ in some])
        pictures += [picture for picture, _ in some]
        values.append(np.take_along_axis(flat, places[..., None], axis=1))
        means.append(flat.mean(axis=1))
        if attribute is not None:
            classes.append(attribute(pixels, places))
        tell(len(some))
    if not pictures:
        raise ConfigError("there is no picture that can be read")
    joined = np.concatenate(values)
    told = np.concatenate(classes).reshape(-1, classes[0].shape[-1]) if classes else None
    return Seen(
        tuple(pictures), joined.reshape(-1, joined.shape[-1]), np.concatenate(means), told, each
    )


def _drawn(seed: int, name: str, count: int, each: int) -> np.ndarray:
    return stream(seed, name, "activations").permutation(count)[:each]


@dataclass(frozen=True)
class Readout:
    """A linear reading of labels from a layer, as a classifier where the network has none.

    Attributes:
        names: of the labels.
        weights: (labels, channels) float32, per unit of activation.
        accuracy: balanced over labels, of pictures that it was not learned from; None where there
            are too few for that.
        chance: what guessing has.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    accuracy: float | None
    chance: float


def readout(seen: Seen, seed: int) -> Readout:
    """Learn to read labels from the mean activations of pictures, by logistic regression.

    It is judged by photographs of which it has seen nothing.

    Args:
        seen: of pictures that have labels; the first of each counts, and those without none.
        seed: of its random numbers.

    Raises:
        ConfigError: there are fewer than two labels.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415, slow to import
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    rows = [row for row, picture in enumerate(seen.pictures) if picture.labels]
    told = np.array([seen.pictures[row].labels[0] for row in rows])
    names = tuple(sorted(set(told)))
    if len(names) < 2:
        raise ConfigError(f"labels: expected two or more, came {', '.join(names) or 'none'}")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    apart = np.array([seen.pictures[row].group or seen.pictures[row].id for row in rows])
    means = seen.means[rows]
    fewest = min(len(set(apart[told == name])) for name in names)
    accuracy = None
    with threadpool_limits(1):
        if fewest >= 2:
            folds = StratifiedGroupKFold(min(_FOLDS, fewest), shuffle=True, random_state=seed)
            scores = cross_val_score(
                model, means, told, groups=apart, cv=folds, scoring="balanced_accuracy"
            )
            accuracy = float(np.mean(scores))
        scale, linear = (step for _, step in model.fit(means, told).steps)
    weights = linear.coef_ / scale.scale_
    if len(weights) == 1:  # of two labels it has the difference alone
        weights = np.concatenate([-weights, weights]) / 2
    return Readout(names, weights.astype(np.float32), accuracy, 1 / len(names))


def read_by(seen: Seen, by: Readout) -> Seen:
    """Activations, with what each place does for each label, against the mean place."""
    along = (seen.values - seen.values.mean(axis=0)) @ by.weights.T
    return replace(seen, classes=along)


@dataclass(frozen=True)
class Cells:
    """The cells of a grid that are not empty, row by row.

    Attributes:
        places: (cells, 2) int32, the row and column of each.
        means: (cells, channels) float32, of the activations in it.
        directions: (cells, channels) float32, of length one: what tells it from the others.
        counts: (cells,) int32, how many places it has.
        classes: the class that its places do most for, or empty.
        side: rows, and columns, of the grid.
    """

    places: np.ndarray
    means: np.ndarray
    directions: np.ndarray
    counts: np.ndarray
    classes: tuple[str, ...]
    side: int

    def save(self, path: Path, about: Mapping[str, Any]) -> None:
        """Write them as a `.safetensors` file, with what there is to say about it.

        Raises:
            ConfigError: it cannot be written.
        """
        arrays = {
            vectors.PARTS: self.directions,
            vectors.CELLS: self.places,
            "means": self.means,
            "counts": self.counts,
        }
        told = {vectors.CLASSES: self.classes} if self.classes else {}
        try:
            vectors.write(path, arrays, {**about, "grid": self.side, **told})
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def cells(seen: Seen, spots: np.ndarray, side: int, names: Sequence[str] = ()) -> Cells:
    """Average activations over the cells of a grid.

    Args:
        seen: the activations.
        spots: (places, 2) in 0 to 1, where each lies, x and y.
        side: rows, and columns, of the grid.
        names: of the classes that `seen.classes` is of.

    Raises:
        ConfigError: all cells would be empty.
    """
    columns, rows = np.minimum((spots * side).astype(int), side - 1).T
    number = rows * side + columns
    counts = np.bincount(number, minlength=side * side)
    full = np.flatnonzero(counts >= LEAST)
    if not len(full):
        raise ConfigError(
            f"{len(spots)} places leave every cell of a grid of {side} x {side} with fewer than "
            f"{LEAST}: give more pictures, or ask for a smaller --grid"
        )
    means = _means(seen.values, number, full)
    classes: tuple[str, ...] = ()
    if seen.classes is not None:
        best = _means(seen.classes, number, full).argmax(axis=1)
        classes = tuple(names[int(each)] for each in best)
    return Cells(
        places=np.stack(np.divmod(full, side), axis=1).astype(np.int32),
        means=means,
        directions=_telling(means, seen.values),
        counts=counts[full].astype(np.int32),
        classes=classes,
        side=side,
    )


def _means(values: np.ndarray, number: np.ndarray, full: np.ndarray) -> np.ndarray:
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], [full, full + 1])
    found = [values[order[start:end]].mean(axis=0, dtype=np.float64) for start, end in ends.T]
    return np.stack(found).astype(np.float32)


def _telling(means: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Directions that tell each cell from all places, of length one."""
    spread = values.var(axis=0, dtype=np.float64)
    lengths = np.sqrt(spread + _RIDGE * spread.mean())
    found = (means - values.mean(axis=0, dtype=np.float64)) / lengths
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)
