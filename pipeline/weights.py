"""Which weights file a configuration means: found, downloaded, checked. No TensorFlow here.

`imagenet` is Keras' own file, from Keras' cache or its download, checked by Keras' hash.
`bundled` comes with the project. `auto` is the first where it can be had, else the second.
"""

import difflib
import hashlib
import logging
import os
import queue
import tempfile
import threading
import urllib.request
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from pipeline.errors import WeightsError

_LOG = logging.getLogger(__name__)

IMAGENET_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
# Address and hash as in keras/src/applications/inception_v3.py.
IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/" + IMAGENET_FILE
)
IMAGENET_MD5 = "9a0d58056eeedaa3f26cb7ebd46da564"
BUNDLED_FILE = "inception_v3_mixed4.weights.h5"
BUNDLED_SHA256 = "f9619b423d39ff7458910d6507e7da5dc80d6fb6df0d5ff3e72d633e4f1a8523"
ENDINGS = (".keras", ".h5")
KEYWORDS = ("auto", "imagenet", "bundled")


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


def resolve(wanted: str, *, timeout: float = 5.0) -> Weights:
    """Find the weights file that a configuration means.

    Args:
        wanted: `auto`, `imagenet`, `bundled`, or the path of a `.keras` or `.h5` file.
        timeout: seconds until a download must have begun to answer, and for each read.

    Raises:
        WeightsError: the file is missing, is not what it should be, or does not download.
    """
    if wanted == "auto":
        return _auto(timeout)
    if wanted == "imagenet":
        return _imagenet(timeout)
    if wanted == "bundled":
        return _bundled()
    return _file(wanted)


def data_folder() -> Path:
    """The folder of the files that come with the project: in the wheel, or in the checkout."""
    inside = Path(__file__).parent / "_data"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "data"


def _auto(timeout: float) -> Weights:
    try:
        return _imagenet(timeout)
    except WeightsError as error:
        _LOG.warning(
            "model.weights: auto takes the bundled weights, which end at mixed4 "
            "(no logits, no softmax): %s",
            str(error).split(" · ")[0],
        )
        return _bundled()


def _imagenet(timeout: float) -> Weights:
    path = _cache() / IMAGENET_FILE
    if not path.exists():
        _download(IMAGENET_URL, path, IMAGENET_MD5, timeout)
    md5 = _digest(path, "md5")
    if md5 != IMAGENET_MD5:
        raise WeightsError(
            f"the cached weights {path} have MD5 {md5}, expected {IMAGENET_MD5} · delete the "
            "file and build again, or set model.weights: bundled"
        )
    return Weights("imagenet", path, _digest(path, "sha256"))


def _bundled() -> Weights:
    path = data_folder() / "weights" / BUNDLED_FILE
    if not path.is_file():
        raise WeightsError(f"the bundled weights are not at {path}: install the project again")
    sha256 = _digest(path, "sha256")
    if sha256 != BUNDLED_SHA256:
        raise WeightsError(
            f"the bundled weights {path} have SHA-256 {sha256}, expected {BUNDLED_SHA256}: "
            "restore the file, or install the project again"
        )
    return Weights("bundled", path, sha256)


def _file(wanted: str) -> Weights:
    path = Path(wanted).expanduser().absolute()
    if not path.is_file():
        near = difflib.get_close_matches(wanted, KEYWORDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"model.weights: {wanted!r} is no file: expected auto, imagenet, bundled, or the "
            f"path of a .keras, .h5 or .weights.h5 file{hint}"
        )
    if path.suffix not in ENDINGS:
        raise WeightsError(
            f"model.weights: {wanted!r} ends in {path.suffix or 'nothing'!r}: expected .keras, "
            ".h5 or .weights.h5"
        )
    return Weights("file", path, _digest(path, "sha256"))


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise WeightsError(f"the weights file {path} cannot be read: {error}") from error


def _cache() -> Path:
    """Keras' cache of models, found as Keras finds it."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def _download(url: str, path: Path, md5: str, timeout: float) -> None:
    """Download a file into place, whole and checked, or leave nothing."""
    remedy = f"set model.weights: bundled, or put the file at {path} by hand"
    temporary = None
    try:
        response = _connect(url, timeout)
        path.parent.mkdir(parents=True, exist_ok=True)
        with response, tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            while block := response.read(1 << 20):
                file.write(block)
        found = _digest(temporary, "md5")
        if found != md5:
            raise WeightsError(f"{url} gave a file of MD5 {found}, expected {md5} · {remedy}")
        temporary.replace(path)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise WeightsError(f"{url} does not download: {reason} · {remedy}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _connect(url: str, timeout: float) -> HTTPResponse:
    """An open response, within `timeout` seconds even where looking up a name hangs.

    Raises:
        OSError: no answer, or no answer in time.
    """
    answers: queue.Queue[HTTPResponse | Exception] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=timeout))  # noqa: S310, a constant
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"no answer within {timeout:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, Exception):
        raise OSError(str(answer)) from answer
    return answer
