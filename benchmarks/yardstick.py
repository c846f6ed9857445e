"""The yardstick: single-precision matrix products (sgemm) of every core at once.

`python -m benchmarks.yardstick --gate PLACE` prints the operations a second of one thread, as JSON;
run one on each core at the same time.
"""

import argparse
import json
import time
from pathlib import Path

from benchmarks import gate
from pipeline.network import device

SIDE = 2048


def main() -> None:
    """Measure for some seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gate", type=Path, help="begin when all do; see benchmarks.gate")
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    device.use("cpu")
    import tensorflow as tf  # noqa: PLC0415, after its environment

    factor = tf.ones((SIDE, SIDE))
    product = tf.function(lambda a: tf.matmul(a, a))
    product(factor)
    gate.wait(options.gate)
    times = []
    began = time.perf_counter()
    while time.perf_counter() - began < options.seconds:
        start = time.perf_counter()
        product(factor).numpy()
        times.append(time.perf_counter() - start)
    print(json.dumps(2 * SIDE**3 / sorted(times)[len(times) // 2]))


if __name__ == "__main__":
    main()
