"""What every test shares: TensorFlow set up once a file, on the CPU, as workers set it up."""

import gc
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="module")
def cpu() -> None:
    """TensorFlow on the CPU; only tests that ask for it load it.

    Keras collects garbage for every model that it reads, and looks through all there is: half a
    second and more, without what is set aside here.
    """
    from pipeline import device

    device.use("cpu")
    gc.collect()
    gc.freeze()
