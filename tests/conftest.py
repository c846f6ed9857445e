"""What every test shares: TensorFlow set up once, on the CPU, as workers set it up."""

import os
from collections.abc import Iterator

import pytest

from tests import s3

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


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
