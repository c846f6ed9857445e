"""Which weights file a configuration means: found, downloaded, checked. No TensorFlow here.

`imagenet` is Keras' own file, from Keras' cache or its download, checked by Keras' hash.
`bundled` (InceptionV3 as far as mixed4) and `lite0` (EfficientNet-Lite0, a whole classifier) come
with the project. `auto` is ImageNet's where they can be had, else the bundled ones.
"""

import difflib
import hashlib
import logging
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from pipeline.config.applications import APPLICATIONS, INCEPTION, Download
from pipeline.errors import WeightsError
from pipeline.patience import within

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shipped:
    """A weights file that comes with the project: its name, and its SHA-256 in hexadecimal."""

    file: str
    sha256: str


_SHIPPED = {
    "bundled": Shipped(
        "inception_v3_mixed4.weights.h5",
        "f9619b423d39ff7458910d6507e7da5dc80d6fb6df0d5ff3e72d633e4f1a8523",
    ),
    "lite0": Shipped(
        "efficientnet_lite0.keras",
        "307a1481f62ced9c2c7d16035cb5503ae235a6bff3e4fec29a815971a357a99e",
    ),
}
"""What comes with the project, by its keyword."""
_PACKAGE = Path(__file__).parents[1]
_ENDINGS = (".keras", ".h5", ".weights.h5")
_EXPORT = "export it in Keras 3 with `model.save('net.keras')`"
_BUILD = "build the network in Keras, give it these weights, and save it as .keras"
_FOREIGN = {
    ".onnx": f"an ONNX graph: {_BUILD}",
    ".pt": f"PyTorch's: {_BUILD}",
    ".safetensors": f"weights without a network: {_BUILD}",
    ".tflite": f"a TensorFlow Lite graph, of which Keras makes no network: {_EXPORT}",
    ".pb": f"a TensorFlow graph, of which Keras makes no network: {_EXPORT}",
    ".json": f"a network without weights: {_EXPORT}",
}
_FOREIGN |= {".pth": _FOREIGN[".pt"], ".bin": _FOREIGN[".pt"]}
"""What is no file of Keras', by its ending, and what to do."""
_KEYWORDS = ("auto", "imagenet", *_SHIPPED)


@dataclass(frozen=True)
class Weights:
    """A weights file that was found and read through once.

    Attributes:
        source: `imagenet`, `bundled`, `lite0` or `file`.
        path: where it is.
        sha256: its digest, in hexadecimal.
        name: the network of `keras.applications` that it has weights of; empty where that is
            InceptionV3, or where the file holds a whole model.
    """

    source: str
    path: Path
    sha256: str
    name: str = ""

    def to_json(self) -> dict[str, str]:
        """A plain form for JSON; `from_json` reads it."""
        record = {**vars(self), "path": str(self.path)}
        if not self.name:  # as atlases have it that were made before others had names
            del record["name"]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, str]) -> "Weights":
        """The weights that `to_json` wrote."""
        return cls(**{**record, "path": Path(record["path"])})  # type: ignore[arg-type]


def resolve(
    wanted: str,
    name: str = "",
    *,
    timeout: float = 5.0,
    downloads: Mapping[str, Download] = APPLICATIONS,
    data: Path | None = None,
) -> Weights:
    """Find the weights file that a configuration means.

    Args:
        wanted: `auto`, `imagenet`, `bundled`, `lite0`, or the path of a `.keras` or `.h5` file.
        name: the network of `keras.applications` that is meant; empty for InceptionV3, or for what
            the file holds.
        timeout: seconds until a download must have begun to answer, and for each read.
        downloads: Keras' networks, and what `imagenet` means for each.
        data: where `bundled` and `lite0` are; among the files that come with the project, if
            nothing is said.

    Raises:
        WeightsError: there is no such network; or the file is missing, is not what it should be, or
            does not download.
    """
    folder = (data or data_folder()) / "weights"
    name = _network(name, wanted, downloads)
    if wanted == "imagenet" or (wanted == "auto" and name):
        return _imagenet(timeout, name, downloads)
    if wanted == "auto":
        return _auto(timeout, downloads, folder)
    if wanted in _SHIPPED:
        return _shipped(wanted, folder)
    return _file(wanted, name)


def _network(name: str, wanted: str, downloads: Mapping[str, Download]) -> str:
    """The network that is named; empty for the one that needs no name."""
    if name in ("", "auto", INCEPTION):
        return ""
    if name not in downloads:
        near = difflib.get_close_matches(name.lower(), {n.lower(): n for n in downloads}, n=1)
        hint = (
            f"; did you mean {next(n for n in downloads if n.lower() == near[0])!r}?"
            if near
            else ""
        )
        raise WeightsError(
            f"model.name: there is no {name!r} in keras.applications: expected "
            f"{', '.join(downloads)}{hint}"
        )
    if wanted in _SHIPPED:
        raise WeightsError(
            f"model.name: `weights: {wanted}` are not of {name}: leave `name` out, or set "
            "`model.weights: imagenet`"
        )
    return name


def data_folder(package: Path = _PACKAGE) -> Path:
    """The folder of the files that come with the project: in the wheel, or in the checkout."""
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent / "data"


def _auto(timeout: float, downloads: Mapping[str, Download], folder: Path) -> Weights:
    try:
        return _imagenet(timeout, "", downloads)
    except WeightsError as error:
        _LOG.warning(
            "model.weights: auto takes the bundled weights, which end at mixed4: no classifier "
            "(`atlas doctor` tells why)"
        )
        _LOG.debug("%s", error)
        return _shipped("bundled", folder)


def _imagenet(timeout: float, name: str, downloads: Mapping[str, Download]) -> Weights:
    wanted = downloads[name or INCEPTION]
    path = keras_cache() / wanted.file
    if not path.exists():
        _download(wanted, path, timeout)
    found = _digest(path, wanted.algorithm)
    if wanted.hash and found != wanted.hash:
        remedy = "" if name else ", or set `model.weights: bundled`"
        raise WeightsError(
            f"the ImageNet weights {path} are corrupt: expected {wanted.algorithm.upper()} "
            f"{wanted.hash}, not {found}; delete the file and build again{remedy}"
        )
    return Weights("imagenet", path, _digest(path, "sha256"), name)


def _shipped(keyword: str, folder: Path) -> Weights:
    known = _SHIPPED[keyword]
    path = folder / known.file
    sha256 = _digest(path, "sha256")
    if sha256 != known.sha256:
        raise WeightsError(
            f"the {keyword} weights {path} are corrupt: expected SHA-256 {known.sha256}, not "
            f"{sha256}; restore the file, or install the project again"
        )
    return Weights(keyword, path, sha256)


def _file(wanted: str, name: str) -> Weights:
    path = Path(wanted).expanduser().absolute()
    _refuse_foreign(path)
    if not path.name.endswith(_ENDINGS):
        near = difflib.get_close_matches(wanted.lower(), _KEYWORDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"model.weights: {wanted!r} is none of {', '.join(_KEYWORDS)}, nor a path ending in "
            f"{', '.join(_ENDINGS)}{hint}"
        )
    if not path.exists():
        raise WeightsError(
            f"model.weights: there is no file {path}: expected a path of a Keras model or weights"
        )
    if not path.is_file():
        raise WeightsError(
            f"model.weights: {path} is not a file: expected a Keras model or weights"
        )
    return Weights("file", path, _digest(path, "sha256"), name)


def _refuse_foreign(path: Path) -> None:
    """Raise where a path is of another program's model."""
    if (path / "saved_model.pb").is_file():
        raise WeightsError(
            f"model.weights: {path} is a SavedModel, of which Keras makes one opaque layer: "
            f"{_EXPORT}"
        )
    about = _FOREIGN.get(path.suffix.lower())
    if about:
        raise WeightsError(f"model.weights: {path} is {about}")


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise WeightsError(
            f"the weights file {path} cannot be read: {error.strerror}; make sure that it is "
            "there and that you may read it"
        ) from error


def keras_cache() -> Path:
    """Keras' cache of models, where Keras looks: KERAS_HOME or the home folder, else /tmp."""
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    cache = home / "models"
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if there == cache or os.access(there, os.W_OK):
        return cache
    return Path("/tmp/.keras/models")  # noqa: S108, Keras' own choice


def _download(wanted: Download, path: Path, timeout: float) -> None:
    """Download a file into place, whole and checked, or leave nothing.

    Raises:
        WeightsError: no connection, no such file, another content, or nowhere to put it.
    """
    temporary = None
    try:
        with _connect(wanted.url, timeout) as response:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                temporary = Path(file.name)
                while block := response.read(1 << 20):
                    file.write(block)
        _check(temporary, wanted)
        temporary.replace(path)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"the ImageNet weights are not at {path} and could not be downloaded from "
            f"{wanted.url}: {_reason(error)}; put the file there by hand, or set `model.weights: "
            "bundled` (InceptionV3 as far as mixed4) or `lite0` (EfficientNet-Lite0)"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _check(path: Path, wanted: Download) -> None:
    found = _digest(path, wanted.algorithm)
    if wanted.hash and found != wanted.hash:
        size, name = path.stat().st_size, wanted.algorithm.upper()
        raise OSError(f"expected {name} {wanted.hash}, not {found} ({size} bytes)")


def _reason(error: Exception) -> str:
    """Why a download failed, in a few words."""
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        error = error.reason if isinstance(error.reason, Exception) else error
    return getattr(error, "strerror", None) or str(error)


def _connect(url: str, timeout: float) -> HTTPResponse:
    """An open response, within `timeout` seconds even where looking up a name hangs.

    Raises:
        OSError: no answer, or no answer in time.
    """

    def ask() -> HTTPResponse:
        response: HTTPResponse = urllib.request.urlopen(url, timeout=timeout)  # noqa: S310, ours
        return response

    try:
        return within(timeout, ask, late=HTTPResponse.close)
    except urllib.error.HTTPError as error:
        error.close()  # its page is not read
        raise
