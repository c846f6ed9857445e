"""What every test shares: TensorFlow set up once a file, on the CPU, as workers set it up."""

import gc
import os
from collections.abc import Iterator

import browsing
import pytest
import s3
from playwright.sync_api import Browser, Page

from pipeline.network import device

# Before any test module imports TensorFlow: it settles some of this as it is imported.
os.environ.update(device.environment("cpu") | {"TF_CPP_MIN_LOG_LEVEL": "3"})


@pytest.fixture(scope="module")
def cpu() -> None:
    """TensorFlow on the CPU; only tests that ask for it load it.

    Keras collects garbage for every model that it reads, and looks through all there is: half a
    second and more, without what is set aside here.
    """
    device.use("cpu")
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _s3() -> Iterator[s3.Door]:
    with s3.serve() as door:
        yield door


@pytest.fixture
def door(_s3: s3.Door, monkeypatch: pytest.MonkeyPatch) -> s3.Door:
    """An S3 server with a bucket, named in the environment; nothing fails there yet."""
    _s3.fail = lambda *_: ""
    _s3.log.clear()
    for name, value in s3.environment(_s3).items():
        monkeypatch.setenv(name, value)
    return _s3


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one file."""
    yield from browsing.launched()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test where anything goes wrong on it or leaves it."""
    yield from browsing.opened(browser)
