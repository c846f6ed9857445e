"""Which weights file a configuration means: found, downloaded, checked. No TensorFlow here.

`imagenet` is Keras' own file, from Keras' cache or its download, checked by Keras' hash.
`bundled` comes with the project. `auto` is the first where it can be had, else the second.
"""

import difflib
import hashlib
import logging
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.patience import within

_LOG = logging.getLogger(__name__)

_BUNDLED_FILE = "inception_v3_mixed4.weights.h5"
_BUNDLED_SHA256 = "f9619b423d39ff7458910d6507e7da5dc80d6fb6df0d5ff3e72d633e4f1a8523"
_PACKAGE = Path(__file__).parents[1]
_ENDINGS = (".keras", ".h5", ".weights.h5")
_KEYWORDS = ("auto", "imagenet", "bundled")


@dataclass(frozen=True)
class Weights:
    """A weights file that was found and read through once.

    Attributes:
        source: `imagenet`, `bundled` or `file`.
        path: where it is.
        sha256: its digest, in hexadecimal.
    """

    source: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Download:
    """A file of weights that Keras keeps in its cache.

    Attributes:
        file: its name there.
        url: where it comes from.
        md5: its digest, in hexadecimal.
    """

    file: str
    url: str
    md5: str


IMAGENET = Download(
    file="inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    url=(
        "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
        "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
    ),
    md5="9a0d58056eeedaa3f26cb7ebd46da564",
)
"""Address and hash as in keras/src/applications/inception_v3.py."""


def resolve(
    wanted: str, *, timeout: float = 5.0, imagenet: Download = IMAGENET, data: Path | None = None
) -> Weights:
    """Find the weights file that a configuration means.

    Args:
        wanted: `auto`, `imagenet`, `bundled`, or the path of a `.keras` or `.h5` file.
        timeout: seconds until a download must have begun to answer, and for each read.
        imagenet: what `imagenet` means.
        data: where `bundled` is; among the files that come with the project, if nothing is said.

    Raises:
        WeightsError: the file is missing, is not what it should be, or does not download.
    """
    bundled = (data or data_folder()) / "weights" / _BUNDLED_FILE
    if wanted == "auto":
        return _auto(timeout, imagenet, bundled)
    if wanted == "imagenet":
        return _imagenet(timeout, imagenet)
    if wanted == "bundled":
        return _bundled(bundled)
    return _file(wanted)


def data_folder(package: Path = _PACKAGE) -> Path:
    """The folder of the files that come with the project: in the wheel, or in the checkout."""
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent / "data"


def _auto(timeout: float, imagenet: Download, bundled: Path) -> Weights:
    try:
        return _imagenet(timeout, imagenet)
    except WeightsError as error:
        _LOG.warning(
            "model.weights: auto takes the bundled weights, which end at mixed4: no classifier "
            "(`atlas doctor` tells why)"
        )
        _LOG.debug("%s", error)
        return _bundled(bundled)


def _imagenet(timeout: float, imagenet: Download) -> Weights:
    path = keras_cache() / imagenet.file
    if not path.exists():
        _download(imagenet, path, timeout)
    md5 = _digest(path, "md5")
    if md5 != imagenet.md5:
        raise WeightsError(
            f"the ImageNet weights {path} are corrupt: expected MD5 {imagenet.md5}, not {md5}; "
            "delete the file and build again, or set `model.weights: bundled`"
        )
    return Weights("imagenet", path, _digest(path, "sha256"))


def _bundled(path: Path) -> Weights:
    sha256 = _digest(path, "sha256")
    if sha256 != _BUNDLED_SHA256:
        raise WeightsError(
            f"the bundled weights {path} are corrupt: expected SHA-256 {_BUNDLED_SHA256}, not "
            f"{sha256}; restore the file, or install the project again"
        )
    return Weights("bundled", path, sha256)


def _file(wanted: str) -> Weights:
    path = Path(wanted).expanduser().absolute()
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
    return Weights("file", path, _digest(path, "sha256"))


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
        _check(temporary, wanted.md5)
        temporary.replace(path)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"the ImageNet weights are not at {path} and could not be downloaded from "
            f"{wanted.url}: {_reason(error)}; set `model.weights: bundled`, or put the file there "
            "by hand"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _check(path: Path, expected: str) -> None:
    md5 = _digest(path, "md5")
    if md5 != expected:
        raise OSError(f"expected MD5 {expected}, not {md5} ({path.stat().st_size} bytes)")


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
