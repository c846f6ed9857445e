"""Tests of finding, checking and downloading weights files; no network but the loopback."""

import dataclasses
import hashlib
import importlib.util
import logging
import os
import socket
import threading
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import weights
from pipeline.config.applications import APPLICATIONS, INCEPTION, Download
from pipeline.errors import WeightsError

CONTENT = b"weights of a network" * 10_000
PATIENCE = 0.3


def _free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


REFUSED = Download(
    file="inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    url=f"http://127.0.0.1:{_free_port()}/w.h5",
    hash=hashlib.md5(CONTENT).hexdigest(),
)
"""A `CONTENT` that nobody serves."""
Serve = Callable[..., Download]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras cache; no proxies."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "keras" / "models"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server of one answer, and give what is downloaded; `length` is what it announces.

    With `stall` it keeps the connection open after the answer, to the end of the test.
    """
    over = threading.Event()
    servers: list[ThreadingHTTPServer] = []

    def start(
        body: bytes, *, length: int | None = None, status: int = 200, stall: bool = False
    ) -> Download:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)
                if stall:
                    self.wfile.flush()
                    over.wait()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return replace(REFUSED, url=f"http://127.0.0.1:{server.server_port}/w.h5")

    yield start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def _put(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True)
    path = folder / "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
    path.write_bytes(content)
    return path


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# bundled -----------------------------------------------------------------------------------------


def test_bundled() -> None:
    found = weights.resolve("bundled")
    assert found.source == "bundled"
    assert found.path == weights.data_folder() / "weights" / "inception_v3_mixed4.weights.h5"
    assert found.sha256 == _sha256(found.path.read_bytes())


def test_bundled_corrupt(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "inception_v3_mixed4.weights.h5").write_bytes(b"x")
    expected = rf"are corrupt: expected SHA-256 f9619b42\w+, not {_sha256(b'x')}; restore"
    with pytest.raises(WeightsError, match=expected):
        weights.resolve("bundled", data=tmp_path)


def test_bundled_missing(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"mixed4\.weights\.h5 cannot be read: No such file"
    ) as e:
        weights.resolve("bundled", data=tmp_path)
    assert isinstance(e.value.__cause__, FileNotFoundError)


def test_data_folder_of_a_wheel(tmp_path: Path) -> None:
    package = tmp_path / "pipeline"
    assert weights.data_folder(package) == tmp_path / "data"
    (package / "_data").mkdir(parents=True)
    assert weights.data_folder(package) == package / "_data"


# imagenet, cached --------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["imagenet", "auto"])
def test_cached(cache: Path, wanted: str) -> None:
    path = _put(cache, CONTENT)
    assert weights.resolve(wanted, downloads={INCEPTION: REFUSED}) == weights.Weights(
        "imagenet", path, _sha256(CONTENT)
    )


def test_cached_with_another_hash(cache: Path) -> None:
    path = _put(cache, b"x")
    wrong = hashlib.md5(b"x").hexdigest()
    message = rf"{path.name} are corrupt: expected MD5 {REFUSED.hash}, not {wrong}; delete"
    with pytest.raises(WeightsError, match=message):
        weights.resolve("imagenet", downloads={INCEPTION: REFUSED})
    assert path.read_bytes() == b"x"


def test_the_cache_is_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.keras_cache() == tmp_path / ".keras" / "models"
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert weights.keras_cache() == tmp_path / "elsewhere" / "models"


def test_a_cache_that_cannot_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert weights.keras_cache() == Path("/tmp/.keras/models")
    _put(cache, CONTENT)
    assert weights.keras_cache() == cache


def test_url_and_hash_are_those_of_the_installed_keras() -> None:
    keras = importlib.util.find_spec("keras")
    assert keras is not None
    assert keras.origin is not None
    folder = Path(keras.origin).parent / "src" / "applications"
    text = (folder / "inception_v3.py").read_text().replace('"\n    "', "")
    assert f'"{APPLICATIONS[INCEPTION].url}"' in text
    assert f'file_hash="{APPLICATIONS[INCEPTION].hash}"' in text


# imagenet, downloaded ----------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["imagenet", "auto"])
def test_download(cache: Path, serve: Serve, wanted: str) -> None:
    found = weights.resolve(wanted, downloads={INCEPTION: serve(CONTENT)})
    assert found.source == "imagenet"
    assert found.path.read_bytes() == CONTENT
    assert _files(cache) == [found.path]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"body": b"a captive portal"}, r"expected MD5 \w+, not \w+ \(16 bytes\)"),
        ({"body": CONTENT[:100], "length": len(CONTENT)}, r"expected MD5 .* \(100 bytes\)"),
        ({"body": CONTENT[:100], "length": len(CONTENT), "stall": True}, "timed out"),
        ({"body": b"gone", "status": 404}, "HTTP Error 404: Not Found"),
    ],
    ids=["wrong", "cut off", "stalled", "not found"],
)
def test_a_failed_download_leaves_nothing(
    cache: Path, serve: Serve, answer: dict[str, Any], reason: str
) -> None:
    expected = f"{reason}; put the file there by hand, or set `model.weights: bundled`"
    with pytest.raises(WeightsError, match=expected):
        weights.resolve("imagenet", timeout=PATIENCE, downloads={INCEPTION: serve(**answer)})
    assert _files(cache) == []


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = replace(REFUSED, url=f"http://127.0.0.1:{listener.getsockname()[1]}/w.h5")
        with pytest.raises(WeightsError, match=r"could not be downloaded.*(no answer|timed out)"):
            weights.resolve("imagenet", timeout=PATIENCE, downloads={INCEPTION: silent})


def test_a_name_look_up_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: Any, **__: Any) -> None:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        with pytest.raises(WeightsError, match=r"no answer in 0\.3 seconds"):
            weights.resolve("imagenet", timeout=PATIENCE, downloads={INCEPTION: REFUSED})
    finally:
        over.set()


def test_no_connection(cache: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"not at .*kernels\.h5 and .*Connection refused; put"
    ) as e:
        weights.resolve("imagenet", timeout=PATIENCE, downloads={INCEPTION: REFUSED})
    assert isinstance(e.value.__cause__, urllib.error.URLError)
    assert not cache.exists()


def test_a_cache_that_cannot_be_made(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "keras").write_bytes(b"a file where a folder should be")
    with pytest.raises(WeightsError, match=r"could not be downloaded.*Not a directory"):
        weights.resolve("imagenet", downloads={INCEPTION: serve(CONTENT)})


# auto --------------------------------------------------------------------------------------------


def test_auto_falls_back_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert (
            weights.resolve("auto", timeout=PATIENCE, downloads={INCEPTION: REFUSED}).source
            == "bundled"
        )
    [record] = caplog.records
    assert (record.name, record.levelname) == ("pipeline.config.weights", "WARNING")
    line = record.getMessage()
    assert "\n" not in line
    assert line.endswith("which end at mixed4: no classifier (`atlas doctor` tells why)")
    assert len(line) < 120


def test_auto_names_a_corrupt_cached_file(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = _put(cache, b"x")
    with caplog.at_level(logging.DEBUG):
        assert weights.resolve("auto", downloads={INCEPTION: REFUSED}).source == "bundled"
    assert f"{path} are corrupt" in caplog.records[-1].getMessage()


# a path ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my.keras", "my.h5", "my.weights.h5"])
def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENT)
    expected = weights.Weights("file", path, _sha256(CONTENT))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [weights.resolve(w) for w in (str(path), name, f"~/{name}")] == [expected] * 3


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("none.h5", r"there is no file /.*none\.h5: expected a path"),
        ("folder.keras", r"folder\.keras is not a file"),
        ("my.ckpt", r"'my\.ckpt' is none of auto, .* ending in \.keras, \.h5, \.weights\.h5$"),
        ("bundeld", "did you mean 'bundled'"),
        ("ImageNet", "did you mean 'imagenet'"),
        ("", "'' is none of auto"),
    ],
)
def test_a_path_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "my.ckpt").touch()
    with pytest.raises(WeightsError, match=message):
        weights.resolve(wanted)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "my.h5"
    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"my\.h5 cannot be read: Permission denied; make") as e:
        weights.resolve(str(path))
    assert isinstance(e.value.__cause__, PermissionError)


def test_the_shipped_classifier_is_found() -> None:
    found = weights.resolve("lite0")
    assert (found.source, found.path.name) == ("lite0", "efficientnet_lite0.keras")


@pytest.mark.parametrize(("name", "wanted", "expected"), [
    ("MobileNetv2", "auto", r"no 'MobileNetv2' in keras.applications: .*mean 'MobileNetV2'\?"),
    ("Mine", "imagenet", r"no 'Mine' in keras.applications: expected ConvNeXtBase, "),
    ("VGG16", "lite0", r"`weights: lite0` are not of VGG16: leave `name` out"),
    ("VGG16", "bundled", r"`weights: bundled` are not of VGG16: leave `name` out"),
])  # fmt: skip
def test_a_name_that_cannot_be_is_told(name: str, wanted: str, expected: str) -> None:
    with pytest.raises(WeightsError, match=f"^model.name: .*{expected}"):
        weights.resolve(wanted, name)


@pytest.mark.parametrize("wanted", ["auto", "imagenet"])
def test_a_named_network_has_its_own_download(
    wanted: str, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    downloads = {INCEPTION: REFUSED, "VGG16": serve(CONTENT)}
    found = weights.resolve(wanted, "VGG16", downloads=downloads)
    assert (found.source, found.name, found.sha256) == ("imagenet", "VGG16", _sha256(CONTENT))
    assert weights.Weights.from_json(found.to_json()) == found


def test_a_download_without_a_hash_is_taken_as_it_comes(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    unknown = dataclasses.replace(serve(CONTENT), hash="")
    found = weights.resolve("imagenet", "MobileNet", downloads={"MobileNet": unknown})
    assert found.sha256 == _sha256(CONTENT)


@pytest.mark.parametrize("name", [
    "net.onnx", "net.pt", "net.PTH", "net.safetensors", "net.tflite", "net.pb", "net.json",
])  # fmt: skip
def test_models_of_other_programs_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(
        WeightsError, match=rf"^model.weights: .*{name} is .*: .* \.keras|model.save"
    ):
        weights.resolve(str(tmp_path / name))


def test_a_saved_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"is a SavedModel, .*model\.save"):
        weights.resolve(str(tmp_path))
