"""Whatever a file of numbers holds, the right ones are read or it is refused in one line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep import parameters
from samestep.data import DataCorrupt, idx, npz
from samestep.errors import SamestepError
from tests.made.data_sets import idx_bytes, made_up, write_npz
from tests.made.strategies import damaged

quick = settings(max_examples=60)
IMAGES, TEST_LABELS = idx_bytes("images", 6), made_up().parts[3]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "file"


@given(damaged(gzip.compress(IMAGES, mtime=0)) | damaged(IMAGES).map(gzip.compress) | damaged(IMAGES))
@quick
def test_an_idx_file(place, content):
    place.write_bytes(content)
    try:
        found = idx.read(place, "images")
    except DataCorrupt as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert found.items.shape[1:] == (784,)


@given(st.data())
@quick
def test_an_npz(place, data):
    path = place.with_suffix(".npz")
    path.write_bytes(data.draw(damaged(write_npz(path).read_bytes())))
    try:
        found = npz.read(path, TEST_LABELS)
    except DataCorrupt as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert found.items.shape == (TEST_LABELS.count,)


@given(st.data())
@quick
def test_a_safetensors_file(place, data):
    pytest.importorskip("safetensors.numpy")
    numbers = {"w1": np.arange(6.0).reshape(2, 3), "b1": np.zeros(3, "float32")}
    parameters.save(place, numbers)
    place.write_bytes(data.draw(damaged(place.read_bytes())))
    try:
        found = parameters.load(place)
    except SamestepError as error:
        assert str(place) in str(error)  # noqa: PT017
        return
    assert all(isinstance(value, np.ndarray) and value.nbytes < sys.maxsize for value in found.values())
