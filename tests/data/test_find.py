"""A set is found in each layout of other programs, in order, and read only if every byte is right."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import samestep.data
from samestep.data import DataCorrupt, DataError, DataMissing, find, sets
from samestep.data.read import read_set
from tests.made.data_sets import TEST, TRAIN, bare_machine, files, idx_bytes, items, made_up, write, write_npz

MNIST, FASHION = made_up(), made_up(sets.FASHION, seed=1)


@pytest.fixture
def machine(monkeypatch, tmp_path) -> Path:
    """An environment without data, with made-up sets in place of the real ones."""
    monkeypatch.setitem(sets.SETS, "mnist", MNIST)
    monkeypatch.setitem(sets.SETS, "fashion", FASHION)
    return bare_machine(monkeypatch, tmp_path)


LAYOUTS = {
    "the cache": ("home/.cache/samestep/mnist", "home/.cache/samestep/fashion-mnist"),
    "torchvision in ./data": ("work/data/MNIST/raw", "work/data/FashionMNIST/raw"),
    "torchvision in ~/data": ("home/data/MNIST/raw", "home/data/FashionMNIST/raw"),
    "folders in ./data": ("work/data/mnist", "work/data/fashion-mnist"),
    "torch's cache": ("home/.cache/torch/MNIST/raw", "home/.cache/torch/FashionMNIST/raw"),
    "Keras": ("home/.keras/datasets/mnist.npz", "home/.keras/datasets/fashion-mnist"),
    "Debian": ("system/mnist", "system/fashion-mnist"),
}


def put(path: Path, seed: int = 0, packed: bool = True) -> None:
    """Write a made-up set as a folder of IDX files, or as an npz where the path has a suffix."""
    if path.suffix:
        write_npz(path, seed)
    else:
        write(path, seed, packed)


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_found_in_each_layout(machine, layout, packed):
    for dataset, seed, place in zip((MNIST, FASHION), (0, 1), LAYOUTS[layout], strict=True):
        path = machine / place
        put(path, seed, packed)
        assert find.find(dataset) == path
        arrays = samestep.data.load(dataset.name)
        assert arrays["images"].tobytes() == items("images", TRAIN, seed)
        assert arrays["test_labels"].astype(np.uint8).tobytes() == items("labels", TEST, seed)


@pytest.mark.parametrize("below", ["mnist", "MNIST/raw", "mnist.npz", ""])
def test_found_below_the_variable(machine, monkeypatch, below):
    root = machine / "mine"
    path = root / below if below else root
    put(path)
    monkeypatch.setenv(find.VARIABLE, str(root))
    assert find.find(MNIST) == path


@pytest.mark.parametrize(
    ("variable", "below"), [("TORCH_HOME", "MNIST/raw"), ("KERAS_HOME", "datasets/mnist.npz")]
)
def test_other_variables_are_honoured(machine, monkeypatch, variable, below):
    monkeypatch.setenv(variable, str(machine / "other"))
    path = machine / "other" / below
    put(path)
    assert find.find(MNIST) == path


def test_the_variable_comes_first_then_the_cache(machine, monkeypatch):
    debian = write(machine / "system/mnist")
    assert find.find(MNIST) == debian
    cached = write(machine / "home/.cache/samestep/mnist")
    assert find.find(MNIST) == cached
    monkeypatch.setenv(find.VARIABLE, str(machine / "mine"))
    mine = write(machine / "mine/mnist")
    assert find.find(MNIST) == mine


def test_files_of_another_set_are_not_taken(machine, monkeypatch):
    """Both sets use the same file names; the content decides which one a bare folder holds."""
    root = write(machine / "mine", seed=1)
    monkeypatch.setenv(find.VARIABLE, str(root))
    assert find.find(FASHION) == root
    with pytest.raises(DataMissing):
        find.find(MNIST)


def test_missing_says_where_and_what_to_do(machine):
    with pytest.raises(DataMissing) as caught:
        samestep.data.load("fashion")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("fashion: not found below ")
    for part in (".cache/samestep", ".keras", "samestep data fetch fashion", "SAMESTEP_DATA=DIR"):
        assert part in message


def test_incomplete_set_is_passed_over_and_named(machine):
    folder = write(machine / "work/data/mnist")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataMissing, match=f"{folder} lacks t10k-labels-idx1-ubyte; run: samestep data fetch"):
        find.find(MNIST)
    elsewhere = write(machine / "system/mnist")
    assert find.find(MNIST) == elsewhere


def test_variable_that_names_nothing_is_an_error(machine, monkeypatch):
    write(machine / "system/mnist")
    monkeypatch.setenv(find.VARIABLE, "/no/such/folder")
    with pytest.raises(DataError, match="SAMESTEP_DATA=/no/such/folder is not a folder; set it"):
        find.find(MNIST)


def test_unknown_name_lists_the_alternatives():
    with pytest.raises(DataError, match="no data set 'cifar'; there are: mnist_sample, mnist, fashion"):
        samestep.data.load("cifar")


def wrong(folder: Path) -> str:
    with pytest.raises(DataCorrupt) as caught:
        read_set(MNIST, folder)
    assert str(caught.value).endswith("; delete it, then run: samestep data fetch mnist")
    return str(caught.value)


def test_one_changed_byte_is_refused(tmp_path):
    folder = write(tmp_path / "mnist")
    for name, content in files().items():
        path = folder / f"{name}.gz"
        whole = path.read_bytes()
        path.write_bytes(gzip.compress(content[:-1] + bytes([content[-1] ^ 1])))
        message = wrong(folder)
        assert message.startswith(f"{path}: is not mnist's: ")
        path.write_bytes(whole)
    assert read_set(MNIST, folder)


def test_npz_with_other_content_is_refused(tmp_path):
    path = write_npz(tmp_path / "mnist.npz", seed=1)
    assert wrong(path).startswith(f"{path}:x_train: is not mnist's: 6 images")


def test_images_without_labels_are_refused(tmp_path):
    folder = write(tmp_path / "mnist")
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes("labels", TRAIN - 1))
    message = "train-images-idx3-ubyte has 6 images, train-labels-idx1-ubyte 5 labels"
    assert message in wrong(folder)


def test_arrays_are_read_only_and_typed(tmp_path):
    arrays = read_set(MNIST, write(tmp_path / "mnist"))
    assert {key: (array.shape, str(array.dtype)) for key, array in arrays.items()} == {
        "images": ((TRAIN, 784), "uint8"),
        "labels": ((TRAIN,), "int32"),
        "test_images": ((TEST, 784), "uint8"),
        "test_labels": ((TEST,), "int32"),
    }
    for array in arrays.values():
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
