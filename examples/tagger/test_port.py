"""The port is the same function, on sentences of several lengths: tags, and every gradient."""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")  # any backend will do
import keras

import samestep
from examples.tagger.model import tagger
from examples.tagger.port import PAD, Tagger, from_keras


def test_the_port_is_the_same_function():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    lengths = np.array([[7], [4], [5]])
    tokens = np.where(np.arange(7) < lengths, rng.integers(1, 40, (3, 7)), PAD).astype(np.int32)
    samestep.assert_agreement(Tagger(), tagger(), (tokens,), convert=from_keras, perturb=True)
