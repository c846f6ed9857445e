"""Tests of reading matrices: what each kind of file gives, and what is refused, naming it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.vectors import MOST, Vectors, load, write
from pipeline.errors import ConfigError

VALUES = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


def safetensors(path: Path, arrays: dict[str, tuple[str, np.ndarray]]) -> None:
    """A file of arrays of any type, as its authors specify it."""
    header, body = {}, b""
    for name, (kind, values) in arrays.items():
        offsets = [len(body), len(body) + values.nbytes]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": offsets}
        body += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def test_a_matrix_is_read_from_each_kind_of_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES.astype(np.float64))
    np.savez(tmp_path / "b.npz", W=VALUES)
    write(tmp_path / "c.safetensors", {"parts": VALUES}, {"layer": "mixed4", "weights": "abc"})
    for name in ("a.npy", "b.npz", "c.safetensors"):
        found = load("x", tmp_path / name)
        np.testing.assert_array_equal(found.values, VALUES)
        assert (found.values.dtype, found.file, found.shares) == (np.float32, name, None)
    assert (found.layer, found.weights) == ("mixed4", "abc")


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("F64", VALUES.astype("<f8")),
        ("F16", VALUES.astype("<f2")),
        ("BF16", (VALUES.view("<u4") >> 16).astype("<u2")),
    ],
)
def test_safetensors_of_other_types(tmp_path: Path, kind: str, stored: np.ndarray) -> None:
    safetensors(tmp_path / "a.safetensors", {"W": (kind, stored)})
    np.testing.assert_allclose(load("x", tmp_path / "a.safetensors").values, VALUES, rtol=1e-2)


def test_one_of_several_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", **{"W.dec": VALUES, "other": VALUES + 1})
    np.testing.assert_array_equal(load("x/other", tmp_path / "b.npz").values, VALUES + 1)
    np.testing.assert_array_equal(load("x/W.dec", tmp_path / "b.npz").values, VALUES)
    with pytest.raises(ConfigError, match=r"the arrays W.dec, other: name one, as in LAYER@dir"):
        load("x", tmp_path / "b.npz")
    with pytest.raises(ConfigError, match="name one, as in LAYER@dir/x/ARRAY:0, not b"):
        load("x/b", tmp_path / "b.npz")


def test_the_only_matrix_or_the_parts_are_meant(tmp_path: Path) -> None:
    shares = np.array([0.5, 0.25, 0.1], np.float32)
    np.savez(tmp_path / "a.npz", W=VALUES, b=shares)
    np.testing.assert_array_equal(load("x", tmp_path / "a.npz").values, VALUES)
    np.savez(tmp_path / "b.npz", W=VALUES + 1, parts=VALUES, shares=shares)
    found = load("x", tmp_path / "b.npz")
    np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_array_equal(found.shares, shares)


def test_one_vector_is_a_row(tmp_path: Path) -> None:
    np.save(tmp_path / "cav.npy", VALUES[0])
    assert load("x", tmp_path / "cav.npy").values.shape == (1, 5)


def bad(values: object) -> Callable[[Path], None]:
    return lambda path: np.save(path, values, allow_pickle=True)  # type: ignore[arg-type]


BROKEN = [
    ("a.npy", None, "a.npy is not there"),
    ("a.pt", lambda p: p.write_bytes(b""), "expected a file that ends in .npy, .npz, .safetensors"),
    ("a.npy", lambda p: p.write_bytes(b""), "cannot be read as arrays of numbers"),
    ("a.npy", lambda p: p.write_bytes(b"\x80\x04K\x01."), "cannot be read as arrays of numbers"),
    ("a.npy", bad(np.array([{"a": 1}], object)), "cannot be read as arrays of numbers: .*pickle"),
    ("a.npz", lambda p: p.write_bytes(b"PK\x03\x04"), "cannot be read as arrays of numbers"),
    ("a.npz", lambda p: np.savez(p, a=np.array([None], object)), "cannot be read as arrays"),
    ("a.npy", bad(np.array(["x", "y"])), "expected numbers, came <U1"),
    ("a.npy", bad(np.full((2, 3), np.nan)), r"nan at \[0, 0\] is no finite number"),
    ("a.npy", bad(np.array([[0.0, 1e300]])), r"1e\+300 at \[0, 1\] is no finite number"),
    ("a.npy", bad(np.zeros((2, 2, 2))), "expected rows of numbers, a row a direction, came 2 x 2"),
    ("a.npy", bad(np.zeros((0, 5))), "came 0 x 5"),
    ("a.npy", bad(np.zeros((1, MOST + 1), np.float16)), "more than 67,108,864 numbers: keep"),
    ("a.safetensors", lambda p: p.write_bytes(b"1234567"), "cannot be read"),
    ("a.safetensors", lambda p: p.write_bytes(b"\xff" * 16), "cannot be read"),
    ("a.safetensors", lambda p: p.write_bytes(b"\x05" + b"\0" * 7 + b"[1,2]"), "cannot be read"),
    ("a.safetensors", lambda p: p.write_bytes(b"\x05" + b"\0" * 7 + b"{{{{{"), "cannot be read"),
    ("a.safetensors", lambda p: safetensors(p, {"i": ("I64", VALUES.astype("i8"))}), "arrays none"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "message"), BROKEN)
def test_what_is_no_matrix_is_refused_in_one_line(
    tmp_path: Path, name: str, make: Callable[[Path], None] | None, message: str
) -> None:
    if make:
        make(tmp_path / name)
    with pytest.raises(ConfigError, match=message) as caught:
        load("x", tmp_path / name)
    assert str(caught.value).startswith(f"directions.x: {tmp_path / name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", range(0, 140, 7))
def test_safetensors_that_are_cut_are_refused(tmp_path: Path, cut: int) -> None:
    whole = tmp_path / "a.safetensors"
    write(whole, {"parts": VALUES}, {"layer": "mixed4"})
    data = whole.read_bytes()
    whole.write_bytes(data[: min(cut, len(data) - 1)])
    with pytest.raises(ConfigError, match=r"a.safetensors cannot be read"):
        load("x", whole)


def test_a_plain_form_is_read_again_and_damage_is_seen() -> None:
    shares = np.array([0.5, 0.25, 0.1], np.float32)
    made = Vectors("x", "a.npy", VALUES, shares, layer="mixed4", weights="abc")
    plain = json.loads(json.dumps(made.plain))
    again = Vectors.from_content("x", plain, made.content)
    assert again == made
    np.testing.assert_array_equal(again.values, VALUES)
    np.testing.assert_array_equal(again.shares, shares)
    with pytest.raises(ValueError, match="do not match their SHA-256"):
        Vectors.from_content("x", plain, Vectors("x", "a.npy", VALUES + 1).content)
    with pytest.raises(ValueError, match="the directions x cannot be read"):
        Vectors.from_content("x", plain, made.content[:-1])


def test_the_digest_is_of_everything_but_the_files_name() -> None:
    of = [
        Vectors("x", "a.npy", VALUES),
        Vectors("x", "a.npy", VALUES + 1),
        Vectors("x", "a.npy", VALUES, layer="mixed4"),
        Vectors("x", "a.npy", VALUES, VALUES[:, 0]),
        Vectors("x", "a.npy", VALUES.reshape(5, 3)),
    ]
    assert len({each.sha256 for each in of}) == len(of)
    assert Vectors("x", "b.npy", VALUES) == of[0]
