"""Tests of activation atlases: what is drawn, how cells are averaged, and what reads labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import vectors
from pipeline.errors import ConfigError
from pipeline.examples import activations
from pipeline.examples.activations import Seen
from pipeline.examples.source import Picture

SIDE = 5


def pictures(count: int) -> list[tuple[Picture, np.ndarray]]:
    return [
        (Picture(f"{n}.png", f"/{n}.png"), np.full((4, 4, 3), n, np.uint8)) for n in range(count)
    ]


def look(pixels: np.ndarray) -> np.ndarray:
    """Maps of places that tell their picture and their number."""
    maps = np.zeros((len(pixels), SIDE, SIDE, 2), np.float32)
    maps[..., 0] = pixels[:, :1, :1, 0]
    maps[..., 1] = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    return maps


def seen(count: int, each: int, seed: int = 0, batch: int = 4, **more: object) -> Seen:
    told: list[int] = []
    found = activations.see(
        pictures(count), look, each, seed, told.append, batch=batch, **more  # type: ignore[arg-type]
    )  # fmt: skip
    assert sum(told) == count
    return found


def test_places_are_of_every_picture_and_none_twice() -> None:
    found = seen(10, 6)
    assert found.values.shape == (60, 2)
    of, places = found.values.T.reshape(2, 10, 6)
    np.testing.assert_array_equal(of, np.repeat(np.arange(10)[:, None], 6, axis=1))
    assert all(len(set(row)) == 6 for row in places)
    np.testing.assert_allclose(found.means, np.stack([np.arange(10), [12] * 10], axis=1))
    assert len({tuple(row) for row in places}) > 5


def test_the_draw_is_of_the_seed_and_the_names() -> None:
    first = seen(10, 3)
    np.testing.assert_array_equal(first.values, seen(10, 3, batch=7).values)
    assert (first.values != seen(10, 3, seed=1).values).any()
    np.testing.assert_array_equal(first.values[:12], seen(4, 3).values)


def test_of_a_small_map_all_places_are_seen() -> None:
    assert seen(2, 99).each == SIDE * SIDE


def test_what_places_do_for_classes_goes_with_them() -> None:
    def attribute(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
        of = np.broadcast_to(pixels[:, 0, 0, 0, None], places.shape)
        return np.stack([of, places, of], axis=2).astype(np.float32)

    found = seen(5, 3, attribute=attribute)
    assert found.classes is not None
    np.testing.assert_array_equal(found.classes[:, :2], found.values)


def test_where_there_is_no_picture_nothing_is_laid_out() -> None:
    with pytest.raises(ConfigError, match="no picture that can be read"):
        activations.see([], look, 3, 0, lambda _: None)


def test_of_too_many_pictures_an_even_draw_is_seen() -> None:
    every = [picture for picture, _ in pictures(100)]
    assert activations.drawn(every, 100, 0) == every
    some = activations.drawn(every, 20, 0)
    assert len(some) == 20
    assert some == [picture for picture in every if picture in some]
    assert some != activations.drawn(every, 20, 1)


def laid(spots: list[list[float]], values: list[list[float]], **more: object) -> activations.Cells:
    pile = Seen((), np.array(values, np.float32), np.zeros((1, 2)), more.get("classes"), 1)  # type: ignore[arg-type]
    return activations.cells(pile, np.array(spots), 2, ("cat", "dog"))


def test_cells_are_means_of_what_lies_in_them() -> None:
    spots = [[0, 0]] * 3 + [[1, 0.2]] * 4 + [[0.9, 0.9]] * 2
    values = [[1, 0], [2, 0], [3, 0], *[[0, 5]] * 4, [9, 9], [9, 9]]
    found = laid(spots, values)
    np.testing.assert_array_equal(found.places, [[0, 0], [0, 1]])  # two are too few for a cell
    np.testing.assert_allclose(found.means, [[2, 0], [0, 5]])
    np.testing.assert_array_equal(found.counts, [3, 4])
    assert found.classes == ()
    with pytest.raises(ConfigError, match="leave every cell of a grid of 2 x 2 with fewer than 3"):
        laid(spots[-2:], values[-2:])


def test_a_cell_is_of_what_its_places_do_most_for() -> None:
    classes = np.array([[5, 1], [0, 1], [0, 1], [0, 2], [0, 2], [0, 2]], np.float32)
    spots, values = [[0, 0]] * 3 + [[1, 1]] * 3, [[1, 0]] * 3 + [[0, 1]] * 3
    assert laid(spots, values, classes=classes).classes == ("cat", "dog")


def test_directions_leave_out_what_all_places_share() -> None:
    random = np.random.default_rng(0)
    values = random.random((400, 4)).astype(np.float32) * [0.1, 1, 1, 1] + [9, 0, 0, 0]
    spots = values[:, 1:3]
    pile = Seen((), values.astype(np.float32), np.zeros((1, 4)), None, 1)
    found = activations.cells(pile, spots, 2)
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1, rtol=1e-5)
    plain = found.means / np.linalg.norm(found.means, axis=1, keepdims=True)
    # The means all point along the first channel; the directions do not.
    assert (plain @ plain.T).min() > 0.98
    assert (found.directions @ found.directions.T).min() < 0.5


def labelled(count: int, names: tuple[str, ...], groups: bool = True) -> Seen:
    random = np.random.default_rng(0)
    of = np.arange(count) % len(names)
    means = random.normal(size=(count, 6)).astype(np.float32)
    means[np.arange(count), of] += 4
    known = [
        Picture(f"{n}.png", "", labels=(names[of[n]],), group=f"{n // 6}" if groups else "")
        for n in range(count)
    ]
    known += [Picture("other.png", "")]
    return Seen(tuple(known), means[:9], np.concatenate([means, means[:1]]), None, 1)


def test_labels_are_read_and_the_reading_is_judged_by_other_photographs() -> None:
    read = activations.readout(labelled(90, ("a", "b", "c")), 0)
    assert read.names == ("a", "b", "c")
    np.testing.assert_array_equal(read.weights.argmax(axis=1), [0, 1, 2])
    assert read.accuracy is not None
    assert read.accuracy > 0.9
    assert read.chance == pytest.approx(1 / 3)
    told = activations.read_by(labelled(90, ("a", "b", "c")), read)
    np.testing.assert_array_equal(told.classes.argmax(axis=1), [0, 1, 2] * 3)  # type: ignore[union-attr]


def test_where_labels_say_nothing_it_is_no_better_than_guessing() -> None:
    pile = labelled(120, ("a", "b"))
    random = np.random.default_rng(1)
    pile = Seen(pile.pictures, pile.values, random.normal(size=pile.means.shape), None, 1)
    read = activations.readout(pile, 0)
    assert read.accuracy is not None
    assert abs(read.accuracy - 0.5) < 0.15
    assert read.weights.shape == (2, 6)
    np.testing.assert_allclose(read.weights[0], -read.weights[1])


def test_one_label_is_none() -> None:
    with pytest.raises(ConfigError, match="expected two or more, came a"):
        activations.readout(labelled(10, ("a",)), 0)


def test_of_one_photograph_each_nothing_is_said_of_others() -> None:
    pile = labelled(6, ("a", "b"))  # all of one photograph
    assert activations.readout(pile, 0).accuracy is None


def test_cells_are_saved_as_directions_with_places_and_classes(tmp_path: Path) -> None:
    classes = np.array([[0, 1]] * 3 + [[1, 0]] * 3, np.float32)
    spots, values = [[0, 0]] * 3 + [[1, 1]] * 3, [[1, 0]] * 3 + [[0, 1]] * 3
    found = laid(spots, values, classes=classes)
    path = tmp_path / "cells.safetensors"
    found.save(path, {"layer": "mixed4"})
    read = vectors.load("cells", path)
    np.testing.assert_array_equal(read.values, found.directions)
    assert read.layer == "mixed4"
    assert read.facts(1) == {"cell_row": 1, "cell_col": 1, "class_name": "cat"}
    plain = json.loads(json.dumps(read.plain))
    assert vectors.Vectors.from_content("cells", plain, read.content).facts(0) == {
        "cell_row": 0, "cell_col": 0, "class_name": "dog",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="cannot be written"):
        found.save(tmp_path / "no" / "cells.safetensors", {})
