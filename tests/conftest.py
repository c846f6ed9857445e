"""What every test shares: TensorFlow set up once, on the CPU, as workers set it up."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
