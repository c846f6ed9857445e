"""Describing a network in a process of its own, so that who asks stays free of TensorFlow."""

import contextlib
import multiprocessing
import signal
from multiprocessing.connection import Connection

from pipeline.config.weights import Weights
from pipeline.errors import WorkError
from pipeline.network import device
from pipeline.plan.architecture import Architecture


def probe(weights: Weights, image_size: int, patience: float = 300.0) -> Architecture:
    """Describe a network in a process of its own.

    Args:
        weights: the resolved weights file.
        image_size: side of the square input, in pixels.
        patience: seconds until it must have answered.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of that size.
        WorkError: the process died, or did not answer in time.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(there, weights, image_size), daemon=True)
    try:
        process.start()
        there.close()
        if not here.poll(patience):
            raise WorkError(
                f"the process that was to read {weights.path} has not answered for {patience:g} "
                "seconds (build.patience): see whether that file can be read, and try again"
            )
        answer: Architecture | Exception = here.recv()
    except (EOFError, OSError) as error:
        raise WorkError(
            f"the process that was to read {weights.path} died, most likely for want of memory"
        ) from error
    finally:
        here.close()
        if process.pid is not None:
            process.kill()
            process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _tell(asker: Connection, weights: Weights, image_size: int) -> None:
    """Answer once and end, whatever became of who asked; a pool's process would wait for more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for who asked
    try:
        answer: Architecture | Exception = _describe(weights, image_size)
    except Exception as error:  # it is raised where it was asked for
        answer = error
    with contextlib.suppress(OSError):
        asker.send(answer)


def _describe(weights: Weights, image_size: int) -> Architecture:
    device.use("cpu")
    from pipeline.network.describe import describe  # noqa: PLC0415, TensorFlow stays in this process

    return describe(weights, image_size)
