"""The sample in the package: complete, unchanged, and the first part of full MNIST."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import samestep.data
from samestep.data import DataError, find, sample, sets
from samestep.data.read import read_set
from tests.made.data_sets import write


def test_sample_loads_whole():
    arrays = samestep.data.load("mnist_sample")
    shapes = {key: array.shape for key, array in arrays.items()}
    assert shapes == {
        "images": (10_000, 784),
        "labels": (10_000,),
        "test_images": (2_000, 784),
        "test_labels": (2_000,),
    }
    assert np.bincount(arrays["labels"]).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert arrays["labels"][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_sample_is_small_and_carries_its_licence():
    parts = sorted(find.BUNDLED.glob("*.gz"))
    assert [path.name for path in parts] == sorted(f"{part.file}.gz" for part in sets.SAMPLE.parts)
    assert sum(path.stat().st_size for path in parts) < 2_000_000
    assert "Attribution-ShareAlike 3.0" in (find.BUNDLED / "README.md").read_text()


def test_sample_needs_no_variable_and_no_home(monkeypatch, tmp_path):
    monkeypatch.setenv(find.VARIABLE, str(tmp_path / "nowhere"))
    monkeypatch.delenv("HOME")
    assert find.find(sets.SAMPLE) == find.BUNDLED


def test_sample_that_was_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(find, "BUNDLED", tmp_path)
    with pytest.raises(DataError, match=r"mnist_sample: .* is empty; reinstall samestep"):
        samestep.data.load("mnist_sample")
    write(tmp_path)
    with pytest.raises(DataError, match=r"is not mnist_sample's: .*; reinstall samestep"):
        samestep.data.load("mnist_sample")


@pytest.fixture(scope="module")
def full() -> Path:
    try:
        return find.find(sets.MNIST)
    except DataError as error:
        pytest.skip(str(error))


def test_sample_is_the_first_part_of_mnist(full):
    whole = read_set(sets.MNIST, full)
    for key, array in samestep.data.load("mnist_sample").items():
        assert np.array_equal(array, whole[key][: len(array)])


def test_sample_can_be_made_again(full, tmp_path):
    if full.suffix:
        pytest.skip("the sample is cut from IDX files, and here is an npz")
    made = sample.make(full, tmp_path)
    for path in made:
        assert gzip.decompress(path.read_bytes()) == gzip.decompress((find.BUNDLED / path.name).read_bytes())
        assert path.read_bytes()[4:8] == bytes(4)  # no time in the header
    assert read_set(sets.SAMPLE, tmp_path)


def test_full_sets_are_right(full):
    assert len(samestep.data.load("mnist")["images"]) == 60_000
